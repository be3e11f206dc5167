import { formatSize } from '../../src/base/units.ts';
import type { ChangeRow, LayerChange, LayerEntry, MergedEntry } from '../../src/protocol/layers.ts';
import { element } from '../shared/dom.ts';
import { type Item, isDirectory, type Line } from './outline.ts';
import { aspectWords, kindLetters, kindWords, type Translate } from './words.ts';

/** A name that a layer changed, or a directory on the way to one. */
export function changeItem({ name, path, change, below }: ChangeRow, layer: number): Item {
  const counts = { added: below.added, modified: below.modified, deleted: below.deleted };
  const entry = change?.after ?? change?.before;
  const own = entry?.type === 'file' && change?.kind !== 'deleted' ? entry.size : 0;
  const hidden = entry?.type === 'file' && change?.kind === 'deleted' ? entry.size : 0;
  return {
    name,
    path,
    layer,
    canUnfold: below.added + below.modified + below.deleted > 0,
    ...(change && !isOnlyTouched(change) && { kind: change.kind, differs: change.differs }),
    ...(entry && { entry }),
    counts,
    bytes: own + hidden + below.storedBytes + (change?.kind === 'deleted' ? below.hiddenBytes : 0),
  };
}

/** A name of the merged tree. */
export function mergedItem({ layer, ...entry }: MergedEntry): Item {
  return {
    name: entry.path.slice(entry.path.lastIndexOf('/') + 1),
    path: entry.path,
    layer,
    canUnfold: entry.type === 'directory',
    entry,
    bytes: entry.size,
  };
}

/** A directory whose time alone differs: every file that is made in it does that. */
export function isOnlyTouched({ kind, after, differs = [] }: Omit<LayerChange, 'path'>): boolean {
  return kind === 'modified' && after?.type === 'directory' && differs.every((aspect) => aspect === 'time');
}

/** What a row says to those who hear it. */
export function lineWords({ is, item, problem }: Line, t: Translate): string {
  if (is === 'waiting') return t('Loading…');
  if (is === 'more') return t('Show more names');
  if (is === 'problem' || !item) return problem ?? '';
  const differs = (item.differs ?? []).map((aspect) => aspectWords(aspect, t)).join(', ');
  const parts = [item.name, item.kind && kindWords(item.kind, t), differs, target(item.entry), countWords(item, t)];
  return [...parts, item.bytes > 0 ? formatSize(item.bytes) : ''].filter(Boolean).join(', ');
}

/** What a row shows behind its twisty. */
export function lineCells(line: Line, t: Translate, options: { whole: boolean }): readonly Node[] {
  const { item } = line;
  if (!item) return [element('span', { class: `name ${line.is}`, text: lineWords(line, t) })];
  const icon = isDirectory(item) ? 'directory' : (item.entry?.type ?? 'file');
  const differs = (item.differs ?? []).filter((aspect) => aspect !== 'content' && aspect !== 'time');
  return [
    element('span', { class: `icon ${icon}` }),
    element('span', {
      class: `name ${item.kind ?? ''}`,
      text: options.whole ? item.path : item.name,
    }),
    element('span', {
      class: 'aside muted',
      text: target(item.entry) || differs.map((one) => aspectWords(one, t)).join(', '),
    }),
    ...counts(item),
    element('span', {
      class: 'size number',
      text: item.bytes > 0 || item.entry?.type === 'file' ? formatSize(item.bytes) : '',
    }),
    element('span', { class: `kind ${item.kind ?? ''}`, text: item.kind ? kindLetters[item.kind] : '' }),
  ];
}

const target = (entry: LayerEntry | undefined): string => (entry?.type === 'symlink' ? `→ ${entry.link ?? ''}` : '');

const signs = { added: '+', modified: '~', deleted: '−' } as const;
const kinds = ['added', 'modified', 'deleted'] as const;

function counts({ counts: below }: Item): readonly Node[] {
  if (!below) return [];
  return kinds
    .filter((kind) => below[kind] > 0)
    .map((kind) => element('span', { class: `count ${kind}`, text: `${signs[kind]}${below[kind]}` }));
}

function countWords({ counts: below }: Item, t: Translate): string {
  if (!below || kinds.every((kind) => below[kind] === 0)) return '';
  return t('below: {0} added, {1} modified, {2} deleted', below.added, below.modified, below.deleted);
}
