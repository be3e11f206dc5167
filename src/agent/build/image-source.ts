import type { LayerEntry } from '../../protocol/layers.ts';
import type { LayeredImage } from '../layers/contract.ts';
import { walkMerged } from '../layers/merged.ts';
import type { ImageStore } from '../store/contract.ts';
import { tarFlags, typeBits } from '../store/tar-header.ts';
import { type HostNames, readHostNames } from '../sys/host-names.ts';
import { headerHash } from './file-hash.ts';
import { type SourceEntry, SourceTree } from './source-tree.ts';

/** The files of an image as COPY --from sees them. Their checksums are taken when somebody asks. */
export async function imageTree(images: ImageStore, imageId: string): Promise<SourceTree> {
  const tree = new SourceTree({ missing: 'resolved' });
  // dockerd has the names of the host in what it sums up.
  const names = await readHostNames();
  const image = images.layered(imageId);
  await walkMerged(image, { signal: never }, (cursor) => {
    const entry = cursor.entry();
    tree.set(entry.path, entryOf(entry, { image, position: cursor.layer, names }));
  });
  if (!tree.get('')) tree.set('', entryOf(emptyRoot, { image, position: 0, names }));
  return tree;
}

/** A walk of an index is short: nobody has to be able to end it. */
const never = new AbortController().signal;

const emptyRoot: LayerEntry = { path: '', type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0 };

interface From {
  readonly image: LayeredImage;
  /** Of the layer that has it. */
  readonly position: number;
  readonly names: HostNames;
}

function entryOf(entry: LayerEntry, { image, position, names }: From): SourceEntry {
  const { path, type, mode, uid, gid, mtime, mtimeNs = 0, link = '', device } = entry;
  // 0 of an empty file needs no opening.
  const body = async function* () {
    if (entry.size === 0) return;
    for await (const piece of image.open(position, entry).stream()) if (Buffer.isBuffer(piece)) yield piece;
  };
  const { major = 0, minor = 0 } = device ?? {};
  // What else a file has is not carried by a copy of Docker's.
  const capability = entry.xattrs?.[capabilities];
  const xattrs = new Map(capability === undefined ? [] : [[capabilities, Buffer.from(capability, 'base64')]]);
  const size = type === 'file' ? entry.size : 0;
  let known: Promise<string> | undefined;
  const hash = async (): Promise<string> => {
    const name = type === 'directory' ? `${path}/` : path;
    const flag = tarFlags[type];
    const about = { name, mode: typeBits[type] | mode, uid, gid, size, flag, link, major, minor, xattrs };
    const sum = headerHash({ ...about, names: { user: names.user(uid), group: names.group(gid) } });
    if (type === 'file') for await (const piece of body()) sum.update(piece);
    return sum.digest('hex');
  };
  return {
    ...{ type, mode, uid, gid, size, mtime: { seconds: mtime, nanoseconds: mtimeNs }, link, major, minor, xattrs },
    hash: () => {
      known ??= hash();
      return known;
    },
    body,
  };
}

const capabilities = 'security.capability';
