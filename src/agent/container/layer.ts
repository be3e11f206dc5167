import { posix } from 'node:path';
import { checkWhole, isOpaque, isWhiteout, withoutOverlay } from '../files/overlay.ts';
import type { TarItem } from '../store/tar-writer.ts';

const whiteoutPrefix = '.wh.';
const opaqueMarker = '.wh..wh..opq';

/**
 * A container's writable layer, entry by entry as overlayfs keeps it, as the changeset of an image: whiteouts and opaque
 * directories in the words of the OCI image specification. What the engine puts into every container lies in a layer of its own.
 *
 * @throws unsupported for a directory that was renamed without a copy, which no changeset can say.
 */
export async function* layerItems(upper: AsyncIterable<TarItem>): AsyncGenerator<TarItem> {
  const whiteouts = new Set<string>();
  for await (const item of upper) {
    if (isWhiteout(item) || (item.type === 'link' && whiteouts.has(item.link))) {
      // One inode serves for many of them.
      whiteouts.add(item.name);
      yield whiteout(item, `${whiteoutPrefix}${posix.basename(item.name)}`);
      continue;
    }
    checkWhole(item.name, item.xattrs);
    const plain = { ...item, xattrs: withoutOverlay(item.xattrs) };
    yield plain;
    if (item.type !== 'directory' || !isOpaque(item.xattrs)) continue;
    const { uid, gid } = item;
    // As Docker writes it: the directory's own owner and mode, without its special bits.
    const mode = item.mode & 0o777;
    yield { ...whiteout(item, opaqueMarker), name: `${item.name}/${opaqueMarker}`, mode, uid, gid };
  }
}

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
