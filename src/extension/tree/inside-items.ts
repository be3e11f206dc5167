import { l10n, ThemeIcon, TreeItem, TreeItemCollapsibleState, Uri } from 'vscode';
import { formatMode, formatSize } from '../../base/units.ts';
import { keyOf } from '../fleet.ts';
import { filesUriParts } from '../fs/uris.ts';
import { contextValue } from './context-value.ts';
import { changeUri, kindWords } from './decorations.ts';
import type { Gauges } from './gauges.ts';
import {
  type DifferenceNode,
  type EntryNode,
  type ExecNode,
  type GaugeNode,
  type InsideNode,
  isFolder,
  type MountNode,
  type NamespaceNode,
  type NetworkNode,
  type ProcessNode,
  type SectionNode,
} from './inside-nodes.ts';
import { noteItem } from './note-item.ts';

const { None, Collapsed, Expanded } = TreeItemCollapsibleState;

export function insideItem(node: InsideNode, gauges: Gauges): TreeItem {
  switch (node.type) {
    case 'exec':
      return execItem(node);
    case 'gauge':
      return gaugeItem(node, gauges.textOf(node));
    case 'network':
      return networkItem(node);
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
    execs: [l10n.t('Exec Sessions'), 'terminal'],
    cgroup: [l10n.t('cgroup'), 'pulse'],
    networks: [l10n.t('Networks'), 'globe'],
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
  item.accessibilityInformation = { label: label };
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

function execItem({ container, id, command, user, pid, tty }: ExecNode): TreeItem {
  const item = new TreeItem(command, None);
  item.id = `exec:${keyOf(container)}/${id}`;
  item.iconPath = new ThemeIcon(tty ? 'terminal' : 'run');
  const who = user || l10n.t('the container’s user');
  item.description = l10n.t('{0} · {1} on the host', who, pid);
  item.tooltip = [
    command,
    l10n.t('User: {0}', who),
    l10n.t('Process {0} on the host', pid),
    tty ? l10n.t('With a terminal of its own') : l10n.t('Without a terminal'),
  ].join('\n');
  item.accessibilityInformation = { label: `${command}, ${item.description}` };
  item.contextValue = contextValue('exec', 'running', container.engine);
  return item;
}

function gaugeItem({ container, gauge }: GaugeNode, text: string): TreeItem {
  const looks = {
    cpu: [l10n.t('CPU'), 'dashboard', l10n.t('Time on a CPU, of one CPU; held back: it had used up its share.')],
    memory: [l10n.t('Memory'), 'circuit-board', l10n.t('Without file pages that can be dropped at once.')],
    io: [l10n.t('I/O'), 'save-all', l10n.t('From and to block devices.')],
    pids: [l10n.t('Processes and threads'), 'server-process', l10n.t('Counted by the kernel against the limit.')],
    pressure: [
      l10n.t('Pressure'),
      'flame',
      l10n.t('The share of the last ten seconds in which something in it had to wait.'),
    ],
  } as const;
  const [label, icon, words] = looks[gauge];
  const item = new TreeItem(label, None);
  item.id = `gauge:${keyOf(container)}/${gauge}`;
  item.description = text;
  item.iconPath = new ThemeIcon(icon);
  item.tooltip = `${label}: ${text}\n${words}`;
  item.accessibilityInformation = { label: `${label}, ${text}` };
  item.contextValue = contextValue('gauge', gauge, container.engine);
  return item;
}

function networkItem({ container, name, addresses, gateway, mac, aliases }: NetworkNode): TreeItem {
  const item = new TreeItem(name, None);
  item.id = `network:${keyOf(container)}/${name}`;
  const words = networkWords(name);
  item.description = addresses.join(', ') || words;
  item.iconPath = new ThemeIcon(name === 'none' ? 'circle-slash' : 'globe');
  item.tooltip = [
    name,
    words,
    ...addresses,
    gateway && l10n.t('Gateway: {0}', gateway),
    mac && l10n.t('Hardware address: {0}', mac),
    aliases.length > 0 && l10n.t('Also called: {0}', aliases.join(', ')),
  ]
    .filter(Boolean)
    .join('\n');
  item.accessibilityInformation = { label: [name, item.description].filter(Boolean).join(', ') };
  item.contextValue = contextValue('network', 'joined', container.engine);
  return item;
}

function networkWords(name: string): string {
  if (name === 'none') return l10n.t('nothing but a loopback of its own');
  if (name === 'host') return l10n.t('the host’s own network');
  return name.startsWith('container:') ? l10n.t('the network of another container') : '';
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
  item.accessibilityInformation = { label: `${mount.destination}, ${item.description}` };
  item.contextValue = contextValue('mount', mount.type, container.engine);
  return item;
}

function differenceItem(node: DifferenceNode): TreeItem {
  const { container, path, kind } = node;
  const item = new TreeItem(path, None);
  item.id = `difference:${keyOf(container)}${path}`;
  item.resourceUri = changeUri(path.slice(1), kind);
  item.iconPath = ThemeIcon.File;
  item.accessibilityInformation = { label: `${path}, ${kindWords(kind)}` };
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
  item.accessibilityInformation = {
    label: [entry.name, folder ? l10n.t('directory') : '', item.description].filter(Boolean).join(', '),
  };
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
