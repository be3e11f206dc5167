import type { LayerEntry } from '../../protocol/layers.ts';
import type { OpenedFile } from '../layers/contract.ts';
import { walkMerged } from '../layers/merged.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO } from '../plan/flags.ts';
import type { Operation } from '../plan/operations.ts';
import type { Executor } from '../shim/contract.ts';
import type { Engine } from './engine.ts';

const why = 'A new volume begins with what the image has at its place.';

interface VolumeCopy {
  readonly imageId: string;
  /** A directory of the image as its index has it: relative to the root, no link. */
  readonly from: string;
  /** The volume's directory on the host. */
  readonly into: string;
}

/**
 * Fills a volume with the image's files at its place, as Docker does. An executor that has chrooted into the volume
 * writes them, so that no name and no link in the image leads out of it.
 */
export async function fillVolume(
  engine: Pick<Engine, 'images' | 'shims' | 'closing'>,
  copy: VolumeCopy,
): Promise<void> {
  const image = await engine.images.layeredForContainers(copy.imageId);
  const executor = engine.shims.execute();
  try {
    await executor.send([
      { op: 'chroot', path: copy.into, why },
      { op: 'chdir', path: '/', why },
      { op: 'umask', mask: 0, why },
    ]);
    const directories: Operation[] = [];
    const inodes = new Map<string, string>();
    let root: LayerEntry | undefined;
    await walkMerged(image, { path: copy.from, signal: engine.closing }, async (cursor) => {
      const entry = cursor.entry();
      if (entry.path === copy.from) {
        root = entry;
        return;
      }
      const path = entry.path.slice(copy.from === '' ? 0 : copy.from.length + 1);
      const inode = inodeOf(entry, cursor.layer);
      const first = inodes.get(inode);
      if (entry.type === 'file' && first !== undefined) {
        await executor.send([{ op: 'link', target: first, path, why }]);
        return;
      }
      inodes.set(inode, path);
      await makeEntry(executor, { entry, path, content: () => image.open(cursor.layer, entry) });
      if (entry.type === 'directory') directories.unshift(...attributes(entry, path));
      else await executor.send(attributes(entry, path));
    });
    // A directory's times and mode come after what is written into it.
    await executor.send([...directories, ...(root ? attributes(root, '.') : [])]);
    await executor.close();
  } catch (failure) {
    executor.abort();
    throw failure;
  }
}

/** Names of one file are of one layer: a higher one that changed it has a copy of its own. */
function inodeOf({ path, hardlink = path }: LayerEntry, layer: number): string {
  return `${layer}\0${hardlink}`;
}

async function makeEntry(
  executor: Executor,
  at: { readonly entry: LayerEntry; readonly path: string; content(): OpenedFile },
): Promise<void> {
  const { entry, path } = at;
  const { major = 0, minor = 0 } = entry.device ?? {};
  const node = { op: 'mknod', path, major, minor, why } as const;
  if (entry.type === 'directory') return executor.send([{ op: 'mkdir', path, mode: 0o700, why }]);
  if (entry.type === 'symlink') return executor.send([{ op: 'symlink', target: entry.link ?? '', path, why }]);
  if (entry.type === 'char') return executor.send([{ ...node, mode: S_IFCHR | entry.mode }]);
  if (entry.type === 'block') return executor.send([{ ...node, mode: S_IFBLK | entry.mode }]);
  if (entry.type === 'fifo') return executor.send([{ ...node, mode: S_IFIFO | entry.mode }]);
  await executor.send([{ op: 'file', path, mode: 0o600, why }]);
  if (entry.size === 0) return;
  await writeSparsely(executor, at.content().stream());
}

/** Bytes that are looked at together: a hole is a whole number of a file system's blocks. */
const block = 65_536;
const zeros = Buffer.alloc(block);

/** What is nothing but zeros becomes a hole: an image of a disk must not take up its whole size. */
async function writeSparsely(executor: Executor, content: AsyncIterable<Buffer>): Promise<void> {
  let size = 0;
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length; at += block) {
      const data = chunk.subarray(at, at + block);
      size += data.length;
      const isHole = data.equals(zeros.subarray(0, data.length));
      if (isHole) await executor.send([{ op: 'extend', size: BigInt(size), why }]);
      else await executor.send([{ op: 'append', data, why }]);
    }
  }
}

function attributes(entry: LayerEntry, path: string): Operation[] {
  const { uid, gid, mode } = entry;
  return [
    { op: 'chown', path, uid, gid, why },
    ...(entry.type === 'symlink' ? [] : [{ op: 'chmod', path, mode, why } as const]),
    ...Object.entries(entry.xattrs ?? {}).map(
      ([name, value]) => ({ op: 'setxattr', path, name, value: Buffer.from(value, 'base64'), why }) as const,
    ),
    {
      op: 'utimens',
      path,
      seconds: BigInt.asUintN(64, BigInt(entry.mtime)),
      nanoseconds: entry.mtimeNs ?? 0,
      why,
    },
  ];
}
