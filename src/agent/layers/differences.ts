import type { LayerEntry, LayerChange as Seen } from '../../protocol/layers.ts';
import type { Cursor } from './cursor.ts';

export type Aspect = NonNullable<Seen['differs']>[number];

/**
 * In what two entries of one path differ.
 * @param sameContent decides about content of one size whose digest was never made, see `isContentUnknown`.
 */
export function differences(before: LayerEntry, after: LayerEntry, sameContent?: boolean): Aspect[] {
  const found: Aspect[] = [];
  if (before.type !== after.type) found.push('type');
  else if (before.size !== after.size || !(sameContent ?? before.digest === after.digest)) found.push('content');
  if (before.mode !== after.mode) found.push('mode');
  if (before.uid !== after.uid || before.gid !== after.gid) found.push('owner');
  if (before.link !== after.link) found.push('link');
  if (!sameXattrs(before.xattrs, after.xattrs)) found.push('xattrs');
  if (before.device?.major !== after.device?.major || before.device?.minor !== after.device?.minor) {
    found.push('device');
  }
  // A directory gets another time because of a change inside it: that alone is none of its own.
  if (!sameTime(before, after) && (found.length > 0 || after.type !== 'directory')) found.push('time');
  return found;
}

/** Which bytes a file holds has to be found out: both have as many, and an index without digests does not say which. */
export const isContentUnknown = (before: LayerEntry, after: LayerEntry): boolean =>
  before.type === 'file' &&
  after.type === 'file' &&
  before.size === after.size &&
  before.size > 0 &&
  (before.digest === undefined || after.digest === undefined);

/** Whether what an index says of a path is all there is to know: of a file it is when its digest is there. */
export const isTextAll = (cursor: Cursor): boolean => !cursor.isFile || cursor.text.includes(digestKey);

/** In a name its quotes are escaped. */
const digestKey = ',"digest":"';

/** Without reading what they say. */
export const isSameText = (before: Cursor, after: Cursor): boolean => before.text.equals(after.text);

function sameTime(before: LayerEntry, after: LayerEntry): boolean {
  return before.mtime === after.mtime && (before.mtimeNs ?? 0) === (after.mtimeNs ?? 0);
}

function sameXattrs(left: LayerEntry['xattrs'] = {}, right: LayerEntry['xattrs'] = {}): boolean {
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => left[name] === right[name]);
}
