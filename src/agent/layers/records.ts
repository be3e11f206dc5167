import type { FileType, LayerEntry } from '../../protocol/layers.ts';
import { keyOf } from './keys.ts';

/**
 * A record of an index: what a walk needs to know in a fixed head, then the key, then the entry as the JSON that the API
 * answers, so that a walk neither parses nor writes JSON for what it only passes on.
 *
 *   0 u32  bytes of the record           16 u32  bytes of the path as JSON text
 *   4 u16  bytes of the key              20      key
 *   6 u8   kind: a `FileType` or whiteout        JSON text of the entry; a whiteout has none
 *   7 u8   flags
 *   8 f64  bytes of content of a regular file, 0 for a further name of it
 */
export const headSize = 20;
/** Where the parts of the head are. */
export const at = { length: 0, keyLength: 4, kind: 6, flags: 7, bytes: 8, pathText: 16 } as const;

const types: readonly FileType[] = ['file', 'directory', 'symlink', 'char', 'block', 'fifo'];
export const kinds = { file: 0, directory: 1, whiteout: 6 } as const;
export const flags = {
  /** A directory that hides what the layers below have in it. */
  opaque: 1,
  /** The inode has several names. */
  linked: 2,
  /** An inode that an earlier record described. */
  further: 4,
} as const;

/** What is kept of an entry beside what everybody may see. */
export interface RecordOptions {
  /** Another name of the inode may follow. */
  readonly linked?: boolean;
}

export function entryRecord(entry: LayerEntry, { linked = false }: RecordOptions = {}): Buffer {
  const { path, ...rest } = entry;
  const pathText = JSON.stringify(path);
  const text = JSON.stringify({ path, ...rest });
  const isFurther = entry.hardlink !== undefined;
  return record(keyOf(path), {
    kind: types.indexOf(entry.type),
    flags:
      (entry.opaque ? flags.opaque : 0) | (linked || isFurther ? flags.linked : 0) | (isFurther ? flags.further : 0),
    bytes: isFurther ? 0 : storedBytes(entry),
    pathText: Buffer.byteLength(pathText),
    text,
  });
}

export function whiteoutRecord(path: string): Buffer {
  return record(keyOf(path), { kind: kinds.whiteout, flags: 0, bytes: 0, pathText: 0, text: '' });
}

/** Bytes that an entry keeps on a disk: a hole keeps none. */
export const storedBytes = ({ size, holes = 0 }: LayerEntry): number => size - holes;

function record(
  key: Buffer,
  parts: { kind: number; flags: number; bytes: number; pathText: number; text: string },
): Buffer {
  const text = Buffer.byteLength(parts.text);
  const bytes = Buffer.allocUnsafe(headSize + key.length + text);
  bytes.writeUInt32LE(bytes.length, at.length);
  bytes.writeUInt16LE(key.length, at.keyLength);
  bytes[at.kind] = parts.kind;
  bytes[at.flags] = parts.flags;
  bytes.writeDoubleLE(parts.bytes, at.bytes);
  bytes.writeUInt32LE(parts.pathText, at.pathText);
  key.copy(bytes, headSize);
  bytes.write(parts.text, headSize + key.length);
  return bytes;
}
