import { createHash } from 'node:crypto';
import { type Heredoc, heredocOf } from '../dockerfile/heredoc.ts';
import { bytesOf } from '../sys/names.ts';
import type { CopySource } from './copy-sources.ts';
import { SourceTree } from './source-tree.ts';

/** A here-document as a file that can be copied; undefined: the argument is none. */
export function heredocSource(
  argument: string,
  heredocs: readonly Heredoc[],
  expand: (text: string) => string,
): CopySource | undefined {
  const heredoc = heredocOf(argument, heredocs);
  if (!heredoc) return undefined;
  const data = bytesOf(heredoc.expands ? expand(heredoc.content) : heredoc.content);
  const hash = createHash('sha256')
    .update(bytesOf(`${heredoc.name}\0`))
    .update(data)
    .digest('hex');
  const tree = new SourceTree();
  tree.set(heredoc.name, {
    ...{ type: 'file', mode: 0o644, uid: 0, gid: 0, size: data.length, link: '', major: 0, minor: 0 },
    // The same whenever it is built.
    mtime: { seconds: 0, nanoseconds: 0 },
    xattrs: new Map(),
    hash: async () => hash,
    async *body() {
      yield data;
    },
  });
  return { tree, path: heredoc.name, hash: `file:${hash}`, isVerbatim: true };
}
