import { PortholeError } from '../../base/errors.ts';

/** What overlayfs says in a directory that it stacks, in attributes and nodes of its own. */

type Attributes = ReadonlyMap<string, Buffer>;

/** A character device 0/0 hides what lies below. */
export const isWhiteout = (node: { readonly type: string; readonly major: number; readonly minor: number }): boolean =>
  node.type === 'char' && node.major === 0 && node.minor === 0;

/** In a user namespace overlayfs keeps its state in `user.` attributes. */
const spaces = ['trusted', 'user'] as const;
const overlay = /^(trusted|user)\.overlay\./;

/** A directory hides everything that lies below it. */
export const isOpaque = (xattrs: Attributes): boolean =>
  spaces.some((space) => xattrs.get(`${space}.overlay.opaque`)?.toString('latin1') === 'y');

export const withoutOverlay = (xattrs: Attributes): Attributes =>
  new Map([...xattrs].filter(([name]) => !overlay.test(name)));

/**
 * Where the kernel was told to, overlayfs keeps a part of a changed file or directory in the layers below.
 * @throws unsupported for such a thing: by itself it is no part of a layer.
 */
export function checkWhole(name: string, xattrs: Attributes): void {
  for (const what of ['redirect', 'metacopy']) {
    if (!spaces.some((space) => xattrs.has(`${space}.overlay.${what}`))) continue;
    throw new PortholeError(
      'unsupported',
      `/${name} is only a ${what} of overlayfs, which no layer of an image can hold`,
    );
  }
}
