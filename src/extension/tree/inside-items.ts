import { l10n, ThemeIcon, TreeItem, TreeItemCollapsibleState, Uri } from 'vscode';
import { formatMode, formatSize } from '../../base/units.ts';
import { keyOf } from '../fleet.ts';
import { filesUriParts } from '../fs/uris.ts';
import { contextValue } from './context-value.ts';
import { changeUri } from './decorations.ts';
import type {
  DifferenceNode,
  EntryNode,
  InsideNode,
  MountNode,
  NamespaceNode,
  NoteNode,
  ProcessNode,
  SectionNode,
} from './inside-nodes.ts';
import { isFolder } from './insides.ts';

const { None, Collapsed, Expanded } = TreeItemCollapsibleState;

export function insideItem(node: InsideNode): TreeItem {
  switch (node.type) {
    case 'section':
      return sectionItem(node);
    case 'process':
      return processItem(node);
    case 'namespace':
      return namespaceItem(node);
    case 'mount':
      return mountItem(node);
    case 'difference':
      return differenceItem(node);
    case 'entry':
      return entryItem(node);
    case 'note':
      return noteItem(node);
  }
}

function sectionItem({ container, section }: SectionNode): TreeItem {
  const looks = {
    processes: [l10n.t('Processes'), 'server-process'],
    namespaces: [l10n.t('Namespaces'), 'symbol-namespace'],
    mounts: [l10n.t('Mounts'), 'database'],
    changes: [l10n.t('Changes since its image'), 'diff'],
    files: [l10n.t('Files'), 'folder-library'],
  } as const;
  const [label, icon] = looks[section];
  const item = new TreeItem(label, Collapsed);
  item.id = `section:${keyOf(container)}/${section}`;
  item.iconPath = new ThemeIcon(icon);
  item.contextValue = contextValue('section', section, container.engine);
  return item;
}

function processItem({ container, process, children }: ProcessNode): TreeItem {
  const inside = process.pids.at(-1) ?? process.pid;
  const item = new TreeItem(process.command || `[${process.pid}]`, children.length > 0 ? Expanded : None);
  item.id = `process:${keyOf(container)}/${process.pid}`;
  item.iconPath = new ThemeIcon(inside === 1 ? 'circle-large-filled' : 'circle-outline');
  item.description = l10n.t('{0} inside, {1} on the host', inside, process.pid);
  item.tooltip = [
    process.command,
    l10n.t('Process {0} in the container, {1} on the host', inside, process.pid),
    l10n.t('User {0}', process.uid),
    ...(inside === 1 ? [l10n.t('The container lives as long as this process.')] : []),
  ].join('\n');
  item.accessibilityInformation = { label: `${process.command}, ${item.description}` };
  item.contextValue = contextValue('process', 'live', container.engine);
  return item;
}

function namespaceItem({ container, difference }: NamespaceNode): TreeItem {
  const { kind, inode, standing, sharedWith } = difference;
  const item = new TreeItem(kind, None);
  item.id = `namespace:${keyOf(container)}/${kind}`;
  const names = sharedWith.map(({ name, id }) => name ?? id.slice(0, 12)).join(', ');
  const words =
    standing === 'own'
      ? l10n.t('its own')
      : standing === 'host'
        ? l10n.t('shared with the host')
        : l10n.t('shared with {0}', names);
  item.description = `${words} · ${inode}`;
  item.iconPath = new ThemeIcon(standing === 'own' ? 'shield' : standing === 'host' ? 'unlock' : 'link');
  item.tooltip = `${kind}: ${words}\n${namespaceWords(kind)}`;
  item.accessibilityInformation = { label: `${kind}, ${words}` };
  item.contextValue = contextValue('namespace', standing, container.engine);
  return item;
}

/** What a namespace of the kind keeps apart, namespaces(7). */
function namespaceWords(kind: NamespaceNode['difference']['kind']): string {
  switch (kind) {
    case 'mnt':
      return l10n.t('Which file systems are mounted where.');
    case 'pid':
      return l10n.t('Which processes are seen, and by what numbers.');
    case 'net':
      return l10n.t('Network devices, addresses, routes and ports.');
    case 'ipc':
      return l10n.t('System V IPC objects and POSIX message queues.');
    case 'uts':
      return l10n.t('The host name.');
    case 'cgroup':
      return l10n.t('Which part of the cgroup tree is seen.');
    case 'user':
      return l10n.t('User and group numbers, and what root may do with them.');
    case 'time':
      return l10n.t('The clocks that count since the boot.');
  }
}

function mountItem({ container, mount }: MountNode): TreeItem {
  const item = new TreeItem(mount.destination, None);
  item.id = `mount:${keyOf(container)}${mount.destination}`;
  const source = mount.name ?? mount.source;
  const access = mount.writable ? l10n.t('writable') : l10n.t('read-only');
  item.description = [mount.type, source, access].filter(Boolean).join(' · ');
  item.iconPath = new ThemeIcon(
    mount.type === 'volume' ? 'database' : mount.type === 'tmpfs' ? 'circuit-board' : 'folder',
  );
  item.tooltip = [`${mount.source || mount.type} → ${mount.destination}`, access].join('\n');
  item.contextValue = contextValue('mount', mount.type, container.engine);
  return item;
}

function differenceItem(node: DifferenceNode): TreeItem {
  const { container, path, kind } = node;
  const item = new TreeItem(path, None);
  item.id = `difference:${keyOf(container)}${path}`;
  item.resourceUri = changeUri(path.slice(1), kind);
  item.iconPath = ThemeIcon.File;
  item.contextValue = contextValue('difference', kind, container.engine);
  if (container.engine === 'porthole') {
    item.command = { command: 'porthole.difference.compare', title: l10n.t('Compare'), arguments: [node] };
  }
  return item;
}

function entryItem(node: EntryNode): TreeItem {
  const { of, path, entry } = node;
  const folder = isFolder(node);
  const item = new TreeItem(entry.name, folder ? Collapsed : None);
  const uri = Uri.from(filesUriParts(of, path));
  item.id = `entry:${uri.authority}${path}`;
  item.resourceUri = uri;
  item.iconPath = folder ? ThemeIcon.Folder : ThemeIcon.File;
  item.description = describe(node);
  item.tooltip = [
    path,
    [entry.type, formatMode(entry.mode), `${entry.uid}:${entry.gid}`].join(' '),
    ...(entry.link === undefined ? [] : [`→ ${entry.link}`]),
    new Date(entry.mtime * 1000).toLocaleString(),
  ].join('\n');
  const isFile = (entry.leads?.type ?? entry.type) === 'file';
  item.contextValue = contextValue('entry', folder ? 'directory' : isFile ? 'file' : 'other', of.engine);
  if (isFile) item.command = { command: 'vscode.open', title: l10n.t('Open'), arguments: [uri] };
  return item;
}

function describe({ entry }: EntryNode): string {
  if (entry.type === 'symlink')
    return entry.leads ? `→ ${entry.link}` : l10n.t('→ {0} (leads nowhere)', entry.link ?? '');
  if (entry.type === 'file') return formatSize(entry.size);
  return entry.type === 'directory' ? '' : entry.type;
}

function noteItem({ id, text, failed }: NoteNode): TreeItem {
  const item = new TreeItem(text, None);
  item.id = `note:${id}`;
  item.iconPath = new ThemeIcon(failed ? 'warning' : 'info');
  item.tooltip = text;
  item.contextValue = contextValue('note', failed ? 'failed' : 'quiet', 'any');
  return item;
}
