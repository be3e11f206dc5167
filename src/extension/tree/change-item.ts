import { l10n, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import { formatMode, formatSize } from '../../base/units.ts';
import type { LayerChange, LayerEntry } from '../../protocol/layers.ts';
import { keyOf } from '../fleet.ts';
import { type ChangeNode, isDirectory } from './change-tree.ts';
import { contextValue } from './context-value.ts';
import { changeUri } from './decorations.ts';
import type { FileNode } from './image-nodes.ts';

const symlinkIcon = new ThemeIcon('file-symlink-file');

/** A path that a layer changed, or a directory on the way to one. Letters and colours come from `decorations.ts`. */
export function changeItem(file: FileNode): TreeItem {
  const { image, layer, node } = file;
  const directory = isDirectory(node);
  const item = new TreeItem(
    node.name,
    directory && node.children.length > 0 ? TreeItemCollapsibleState.Collapsed : TreeItemCollapsibleState.None,
  );
  item.id = `file:${keyOf(image)}/${layer.position}/${node.path}`;
  item.resourceUri = changeUri(node.path, node.change?.kind);
  const entry = node.change?.after ?? node.change?.before;
  item.iconPath = directory ? ThemeIcon.Folder : entry?.type === 'symlink' ? symlinkIcon : ThemeIcon.File;
  item.contextValue = contextValue('file', directory ? 'directory' : (node.change?.kind ?? 'directory'), image.engine);
  const description = describe(node);
  if (description) item.description = description;
  item.tooltip = tooltip(node);
  item.accessibilityInformation = {
    label: [node.name, kindWords(node.change), description].filter(Boolean).join(', '),
  };
  if (!directory && node.change) {
    item.command = { command: 'porthole.file.compare', title: l10n.t('Compare'), arguments: [file] };
  }
  return item;
}

function describe({ change, children, counts }: ChangeNode): string {
  if (children.length > 0) {
    const parts = [
      counts.added > 0 ? `+${counts.added}` : '',
      counts.modified > 0 ? `~${counts.modified}` : '',
      counts.deleted > 0 ? `−${counts.deleted}` : '',
    ];
    return parts.filter(Boolean).join(' ');
  }
  const entry = change?.after ?? change?.before;
  if (!entry) return '';
  if (entry.type === 'symlink') return `→ ${entry.link ?? ''}`;
  if (entry.type !== 'file') return entry.type === 'directory' ? '' : entry.type;
  const onlyMeta =
    change?.kind === 'modified' && !change.differs?.includes('content') && !change.differs?.includes('type');
  return onlyMeta ? (change.differs ?? []).map(aspectWords).join(', ') : formatSize(entry.size);
}

function tooltip({ path, change }: ChangeNode): string {
  if (!change) return `/${path}`;
  const lines = [`/${path}`, kindWords(change)];
  if (change.differs && change.differs.length > 0) {
    lines.push(l10n.t('Differs in: {0}', change.differs.map(aspectWords).join(', ')));
  }
  if (change.before) lines.push(l10n.t('Below: {0}', entryWords(change.before)));
  if (change.after) lines.push(l10n.t('Here: {0}', entryWords(change.after)));
  return lines.join('\n');
}

/** An entry in one line, like a line of `ls -l`. */
function entryWords(entry: LayerEntry): string {
  const what = entry.type === 'symlink' ? `→ ${entry.link ?? ''}` : entry.type === 'file' ? formatSize(entry.size) : '';
  return [entry.type, formatMode(entry.mode), `${entry.uid}:${entry.gid}`, what].filter(Boolean).join(' ');
}

function kindWords(change: LayerChange | undefined): string {
  if (!change) return '';
  if (change.kind === 'added') return l10n.t('added');
  return change.kind === 'deleted' ? l10n.t('deleted') : l10n.t('modified');
}

export function aspectWords(aspect: NonNullable<LayerChange['differs']>[number]): string {
  switch (aspect) {
    case 'type':
      return l10n.t('type');
    case 'content':
      return l10n.t('content');
    case 'mode':
      return l10n.t('mode');
    case 'owner':
      return l10n.t('owner');
    case 'time':
      return l10n.t('time');
    case 'link':
      return l10n.t('link target');
    case 'xattrs':
      return l10n.t('extended attributes');
    case 'device':
      return l10n.t('device number');
  }
}
