import { posix } from 'node:path';
import { PortholeError } from '../../base/errors.ts';
import type { LayerEntry } from '../../protocol/layers.ts';
import type { TarItem } from '../store/tar-writer.ts';
import { engineDirectories, engineFiles } from './changes.ts';

const whiteoutPrefix = '.wh.';
const opaqueMarker = '.wh..wh..opq';
const ownParent = 'etc';

/**
 * A container's writable layer, entry by entry as overlayfs keeps it, as the changeset of an image: whiteouts and opaque
 * directories in the words of the OCI image specification, and nothing that the engine itself put there.
 *
 * @param lookup what the image has at a path.
 * @throws unsupported for a directory that was renamed without a copy, which no changeset can say.
 */
export async function* layerItems(
  upper: AsyncIterable<TarItem>,
  lookup: (path: string) => Promise<LayerEntry | undefined>,
): AsyncGenerator<TarItem> {
  const whiteouts = new Set<string>();
  // Told only when something in it is: the engine makes it for its own files.
  let waiting: TarItem | undefined;
  for await (const item of upper) {
    if (waiting && !item.name.startsWith(`${ownParent}/`)) waiting = undefined;
    if (await isOwn(item, lookup)) continue;
    if (waiting) yield waiting;
    waiting = undefined;
    if (isWhiteout(item) || (item.type === 'link' && whiteouts.has(item.link))) {
      // One inode serves for many of them.
      whiteouts.add(item.name);
      yield whiteout(item, `${whiteoutPrefix}${posix.basename(item.name)}`);
      continue;
    }
    checkWhole(item);
    const plain = { ...item, xattrs: withoutOverlay(item.xattrs) };
    if (item.type !== 'directory') {
      yield plain;
      continue;
    }
    if (isOpaque(item)) {
      yield plain;
      const { uid, gid } = item;
      // As Docker writes it: the directory's own owner and mode, without its special bits.
      const mode = item.mode & 0o777;
      yield { ...whiteout(item, opaqueMarker), name: `${item.name}/${opaqueMarker}`, mode, uid, gid };
    } else if (item.name === ownParent && isSame(item, await lookup(ownParent))) waiting = plain;
    else yield plain;
  }
}

const isWhiteout = ({ type, major, minor }: TarItem): boolean => type === 'char' && major === 0 && minor === 0;

function whiteout(item: TarItem, base: string): TarItem {
  const directory = posix.dirname(item.name);
  return {
    ...item,
    name: directory === '.' ? base : `${directory}/${base}`,
    type: 'file',
    mode: 0o600,
    uid: 0,
    gid: 0,
    size: 0,
    link: '',
    xattrs: new Map(),
  };
}

async function isOwn(item: TarItem, lookup: (path: string) => Promise<LayerEntry | undefined>): Promise<boolean> {
  const isCandidate =
    item.type === 'directory'
      ? engineDirectories.has(item.name)
      : item.type === 'file' && item.size === 0 && engineFiles.has(item.name);
  return isCandidate && (await lookup(item.name)) === undefined;
}

/** Also where the image has none: what is in it then says that it is there. */
function isSame(item: TarItem, before: LayerEntry | undefined): boolean {
  if (!before) return true;
  const { uid, gid, mode } = item;
  return before.type === 'directory' && before.uid === uid && before.gid === gid && before.mode === mode;
}

/** In a user namespace overlayfs keeps its state in `user.` attributes. */
const overlay = /^(trusted|user)\.overlay\./;

const isOpaque = ({ xattrs }: TarItem): boolean =>
  ['trusted', 'user'].some((kind) => xattrs.get(`${kind}.overlay.opaque`)?.toString('latin1') === 'y');

const withoutOverlay = (xattrs: TarItem['xattrs']): TarItem['xattrs'] =>
  new Map([...xattrs].filter(([name]) => !overlay.test(name)));

/** Where the kernel was told to, overlayfs keeps a part of a changed file or directory in the layers below. */
function checkWhole({ name, xattrs }: TarItem): void {
  for (const what of ['redirect', 'metacopy']) {
    if (!['trusted', 'user'].some((kind) => xattrs.has(`${kind}.overlay.${what}`))) continue;
    throw new PortholeError(
      'unsupported',
      `/${name} is only a ${what} of overlayfs, which no layer of an image can hold`,
    );
  }
}
