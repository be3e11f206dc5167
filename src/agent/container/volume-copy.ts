import type { LayerEntry } from '../../protocol/layers.ts';
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
export async function fillVolume(engine: Pick<Engine, 'images' | 'shims'>, copy: VolumeCopy): Promise<void> {
  const below = copy.from === '' ? '' : `${copy.from}/`;
  const entries = (await engine.images.merged(copy.imageId, 'init')).filter(
    ({ path }) => path !== '' && path.startsWith(below),
  );
  const root = await engine.images.lookup(copy.imageId, copy.from, 'init');
  const executor = engine.shims.execute();
  try {
    await executor.send([
      { op: 'chroot', path: copy.into, why },
      { op: 'chdir', path: '/', why },
      { op: 'umask', mask: 0, why },
    ]);
    const directories: Operation[] = [];
    const inodes = new Map<string, string>();
    for (const entry of entries) {
      const path = entry.path.slice(below.length);
      const inode = inodeOf(entry);
      const first = inodes.get(inode);
      if (entry.type === 'file' && first !== undefined) {
        await executor.send([{ op: 'link', target: first, path, why }]);
        continue;
      }
      inodes.set(inode, path);
      await makeEntry(engine, executor, { entry, path, imageId: copy.imageId });
      if (entry.type === 'directory') directories.unshift(...attributes(entry, path));
      else await executor.send(attributes(entry, path));
    }
    // A directory's times and mode come after what is written into it.
    await executor.send([...directories, ...(root ? attributes(root, '.') : [])]);
    await executor.close();
  } catch (failure) {
    executor.abort();
    throw failure;
  }
}

/** Names of one file share what the first of them is called, unless a later layer replaced one of them. */
function inodeOf({ path, hardlink = path, digest, mtime, mode }: LayerEntry): string {
  return [hardlink, digest, mtime, mode].join('\0');
}

async function makeEntry(
  engine: Pick<Engine, 'images'>,
  executor: Executor,
  at: { readonly entry: LayerEntry; readonly path: string; readonly imageId: string },
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
  const position = engine.images.layers(at.imageId).length - 1;
  const opened = await engine.images.openFile(at.imageId, { position, path: entry.path, from: 'merged' });
  await writeSparsely(executor, opened.stream());
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
