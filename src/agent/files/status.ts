import { nameOf } from '../sys/names.ts';
import type { FileStatus, NodeType } from './contract.ts';

/** A struct statx as the kernel wrote it (statx(2); the same on every CPU). */
export function statusOf(data: Buffer): FileStatus {
  const mode = data.readUInt16LE(28);
  const links = data.readUInt32LE(16);
  const device = `${data.readUInt32LE(136)}:${data.readUInt32LE(140)}`;
  return {
    type: types.get(mode & 0o170000) ?? 'file',
    mode: mode & 0o7777,
    uid: data.readUInt32LE(20),
    gid: data.readUInt32LE(24),
    size: Number(data.readBigUInt64LE(40)),
    stored: Number(data.readBigUInt64LE(48)) * 512,
    mtime: { seconds: Number(data.readBigInt64LE(112)), nanoseconds: data.readUInt32LE(120) },
    links,
    inode: links > 1 ? `${device}:${data.readBigUInt64LE(32)}` : '',
    device,
    major: data.readUInt32LE(128),
    minor: data.readUInt32LE(132),
  };
}

const types: ReadonlyMap<number, NodeType> = new Map([
  [0o010000, 'fifo'],
  [0o020000, 'char'],
  [0o040000, 'directory'],
  [0o060000, 'block'],
  [0o100000, 'file'],
  [0o120000, 'symlink'],
  [0o140000, 'socket'],
]);

/** Names in what getdents64(2) wrote: { u64 inode, u64 offset, u16 size, u8 type, name, NUL }. */
export function namesIn(data: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at + 19 < data.length; ) {
    const size = data.readUInt16LE(at + 16);
    const end = data.indexOf(0, at + 19);
    const name = nameOf(data.subarray(at + 19, end));
    if (name !== '.' && name !== '..') names.push(name);
    at += size;
  }
  return names;
}
