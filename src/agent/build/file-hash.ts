import { createHash, type Hash } from 'node:crypto';
import { bytesOf } from '../sys/names.ts';

/** What of a file's tar header counts for the cache. */
export interface HashedHeader {
  /** As the header has it: that of a directory ends with a slash. */
  readonly name: string;
  /** With the bits of the file's type where the header has them. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** '0' to '6' */
  readonly flag: string;
  readonly link: string;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** Of the owner; not those that a header of the context has. */
  readonly names?: { readonly user: string; readonly group: string };
}

/** Docker's checksum of one file (tarsum, version 1), ready for its content: everything of the header but its times. */
export function headerHash(header: HashedHeader): Hash {
  const hash = createHash('sha256');
  hash.update('name').update(bytesOf(header.name));
  hash.update(`mode${header.mode}uid${header.uid}gid${header.gid}size${header.size}typeflag${header.flag}linkname`);
  hash.update(bytesOf(header.link));
  const { user = '', group = '' } = header.names ?? {};
  hash.update(`uname${user}gname${group}devmajor${header.major}devminor${header.minor}`);
  for (const name of [...header.xattrs.keys()].sort()) {
    hash.update(bytesOf(name)).update(header.xattrs.get(name) ?? Buffer.alloc(0));
  }
  return hash;
}

/** The checksum of several files or of a directory from those of its parts. */
export function combinedHash(prefix: 'multi' | 'dir', hashes: readonly string[]): string {
  return `${prefix}:${createHash('sha256')
    .update(bytesOf(hashes.join(',')))
    .digest('hex')}`;
}
