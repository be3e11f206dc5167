import { posix } from 'node:path';
import { PortholeError } from '../../base/errors.ts';
import { failed, notInContext, notInImage, outsideContext } from './errors.ts';
import { combinedHash } from './file-hash.ts';
import type { SourceEntry, SourceTree } from './source-tree.ts';

/** One thing to be copied: a file or a directory of a tree. */
export interface CopySource {
  readonly tree: SourceTree;
  /** As asked for, without links followed: what a file is called at its destination. */
  readonly path: string;
  /** 'file:...', 'dir:...' or of something fetched. */
  readonly hash: string;
  /** An archive is not unpacked. */
  readonly isVerbatim: boolean;
}

/** What a path of COPY or ADD means in a tree; with wildcards it may be several. @throws invalid or not-found in dockerd's words */
export async function sourcesAt(tree: SourceTree, given: string): Promise<CopySource[]> {
  const path = given.replace(/^\/(?=.)/, '').replace(/^\.\//, '');
  if (!hasWildcards(path)) {
    const clean = posix.normalize(path);
    if (clean === '..' || clean.startsWith('../')) throw outsideContext(path);
    return [await sourceAt(tree, path)];
  }
  const matches = pathMatcher(path);
  const found: CopySource[] = [];
  for (const each of tree.below('')) if (matches(each)) found.push(await sourceAt(tree, each));
  return found;
}

async function sourceAt(tree: SourceTree, path: string): Promise<CopySource> {
  const real = tree.resolve(posix.normalize(`/${path}`));
  const entry = tree.get(real);
  if (!entry) throw tree.missing === 'asked' ? notInContext(path) : notInImage(path);
  // A link that is left leads in a circle.
  if (entry.type === 'symlink') throw outsideContext(path);
  const source = { tree, path: posix.normalize(`/${path}`).slice(1).replace(/\/$/, ''), isVerbatim: false };
  if (entry.type !== 'directory') return { ...source, hash: `file:${await entry.hash()}` };
  const hashes: string[] = [];
  for (const each of [...(real === '' ? [] : [real]), ...tree.below(real)]) {
    // As Docker does it, a link counts as what it leads to.
    const followed = tree.resolve(each);
    hashes.push((await tree.get(followed)?.hash()) ?? (tree.missing === 'asked' ? each : followed));
  }
  return { ...source, hash: combinedHash('dir', hashes.sort()) };
}

/** The checksum of all that one instruction copies. */
export function hashOf(sources: readonly CopySource[]): string {
  const [first, ...more] = sources;
  if (!first) throw failed('no source files were specified');
  return more.length === 0
    ? first.hash
    : combinedHash(
        'multi',
        sources.map(({ hash }) => hash),
      );
}

/** The entry that a source leads to. */
export function entryOf({ tree, path }: CopySource): { readonly real: string; readonly entry: SourceEntry } {
  const real = tree.resolve(path);
  const entry = tree.get(real);
  if (!entry) throw new PortholeError('internal', `${path} is not there any more`);
  return { real, entry };
}

/** Everything below a directory, with paths relative to it. */
export function* entriesBelow({ tree }: CopySource, real: string): Generator<[path: string, entry: SourceEntry]> {
  for (const path of tree.below(real)) {
    const entry = tree.get(path);
    if (entry) yield [real === '' ? path : path.slice(real.length + 1), entry];
  }
}

const hasWildcards = (path: string): boolean => /[*?[]/.test(path.replace(/\\./g, ''));

/** Go's path matching: `*` and `?` stop at slashes. @throws invalid for a pattern that is none */
function pathMatcher(pattern: string): (path: string) => boolean {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const end = pattern.indexOf(']', at + 2);
      // A pattern that is none matches nothing, as in Docker.
      if (end < 0) return () => false;
      const inner = pattern
        .slice(at + 1, end)
        .replace(/^\^/, '')
        .replace(/[\\\]]/g, '\\$&');
      source += `[${pattern.charAt(at + 1) === '^' ? '^' : ''}${inner}]`;
      at = end;
    } else source += literal(character === '\\' ? pattern.charAt(++at) : character);
  }
  const whole = expression(`^${source}$`);
  return (path) => whole?.test(path) === true;
}

const literal = (character: string): string => character.replace(/[$()*+.?[\\\]^{|}/]/, '\\$&');

/** By characters, not by halves of them. Undefined for a range that goes backwards: nothing is in it. */
function expression(source: string): RegExp | undefined {
  try {
    return new RegExp(source, 'su');
  } catch {
    return undefined;
  }
}
