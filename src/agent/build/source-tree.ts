import { posix } from 'node:path';
import type { Piece } from '../store/tar.ts';
import type { TarItem } from '../store/tar-writer.ts';

/** One file of a tree that COPY and ADD take from. */
export interface SourceEntry extends Pick<TarItem, 'mode' | 'uid' | 'gid' | 'size' | 'mtime' | 'link' | 'xattrs'> {
  readonly type: Exclude<TarItem['type'], 'link'>;
  readonly major: number;
  readonly minor: number;
  /** What the cache compares: dockerd's checksum of it. */
  hash(): Promise<string>;
  body(): AsyncIterable<Piece>;
}

const mostLinks = 255;

/** A tree in memory: the context, or the files of an image. Its paths are relative, without slashes around; '' is the root. */
export class SourceTree {
  readonly #entries = new Map<string, SourceEntry>();
  readonly #names = new Map<string, Set<string>>();
  /** What stands for the checksum of a file that is not there: the path as asked for, or where its links lead. */
  readonly missing: 'asked' | 'resolved';

  constructor({ missing = 'asked' }: { readonly missing?: 'asked' | 'resolved' } = {}) {
    this.missing = missing;
  }

  set(path: string, entry: SourceEntry): void {
    const before = this.#entries.get(path);
    if (before?.type === 'directory' && entry.type !== 'directory') this.delete(path);
    this.#entries.set(path, entry);
    if (path === '') return;
    const parent = parentOf(path);
    const names = this.#names.get(parent);
    if (names) names.add(posix.basename(path));
    else this.#names.set(parent, new Set([posix.basename(path)]));
  }

  /** A path and everything below it. */
  delete(path: string): void {
    for (const name of this.names(path)) this.delete(join(path, name));
    this.#entries.delete(path);
    this.#names.get(parentOf(path))?.delete(posix.basename(path));
  }

  get(path: string): SourceEntry | undefined {
    return this.#entries.get(path);
  }

  names(directory: string): string[] {
    return [...(this.#names.get(directory) ?? [])].sort();
  }

  /** Everything below a directory, a directory before what is in it, names sorted. */
  *below(directory: string): Generator<string> {
    for (const name of this.names(directory)) {
      const path = join(directory, name);
      yield path;
      yield* this.below(path);
    }
  }

  /** Where a path leads: every link in it is followed, and none leads out. What is missing stays as it is written. */
  resolve(path: string): string {
    const rest = path.split('/');
    const done: string[] = [];
    let links = 0;
    for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        done.pop();
        continue;
      }
      const entry = this.get([...done, part].join('/'));
      if (entry?.type !== 'symlink' || ++links > mostLinks) {
        done.push(part);
        continue;
      }
      if (entry.link.startsWith('/')) done.length = 0;
      rest.unshift(...entry.link.split('/'));
    }
    return done.join('/');
  }
}

export const join = (directory: string, name: string): string => (directory === '' ? name : `${directory}/${name}`);

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}
