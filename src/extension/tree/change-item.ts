import { l10n, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import { formatMode, formatSize } from '../../base/units.ts';
import type { ChangeRow, LayerEntry } from '../../protocol/layers.ts';
import { keyOf } from '../fleet.ts';
import { aspectWords } from '../layers/aspects.ts';
import { contextValue } from './context-value.ts';
import { changeUri, kindWords } from './decorations.ts';
import { isDirectory } from './image-insides.ts';
import type { FileNode } from './image-nodes.ts';

const symlinkIcon = new ThemeIcon('file-symlink-file');

/** A path that a layer changed, or a directory on the way to one. Letters and colours come from `decorations.ts`. */
export function changeItem(file: FileNode): TreeItem {
  const { image, layer, row } = file;
  const directory = isDirectory(row);
  const item = new TreeItem(
    row.name,
    directory && amount(row) > 0 ? TreeItemCollapsibleState.Collapsed : TreeItemCollapsibleState.None,
  );
  item.id = `file:${keyOf(image)}/${layer.position}/${row.path}`;
  item.resourceUri = changeUri(row.path, row.change?.kind);
  const entry = row.change?.after ?? row.change?.before;
  item.iconPath = directory ? ThemeIcon.Folder : entry?.type === 'symlink' ? symlinkIcon : ThemeIcon.File;
  item.contextValue = contextValue('file', directory ? 'directory' : (row.change?.kind ?? 'directory'), image.engine);
  const description = describe(row);
  if (description) item.description = description;
  item.tooltip = tooltip(row);
  item.accessibilityInformation = {
    label: [row.name, row.change && kindWords(row.change.kind), description].filter(Boolean).join(', '),
  };
  if (!directory && row.change) {
    item.command = { command: 'porthole.file.compare', title: l10n.t('Compare'), arguments: [file] };
  }
  return item;
}

const amount = ({ below }: ChangeRow): number => below.added + below.modified + below.deleted;

function describe(row: ChangeRow): string {
  const { change, below: counts } = row;
  if (amount(row) > 0) {
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

function tooltip({ path, change }: ChangeRow): string {
  if (!change) return `/${path}`;
  const lines = [`/${path}`, kindWords(change.kind)];
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
