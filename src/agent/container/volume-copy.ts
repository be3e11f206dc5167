import type { LayerEntry } from '../../protocol/layers.ts';
import type { Operation } from '../plan/operations.ts';
import type { Executor } from '../shim/contract.ts';
import type { Engine } from './engine.ts';

const why = 'A new volume begins with what the image has at its place.';
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
const S_IFIFO = 0o010000;

/**
 * Fills a new anonymous volume with the image's files at its place, as Docker does. An executor that has chrooted into
 * the volume writes them, so that no name and no link in the image leads out of it.
 */
export async function fillVolume(
  engine: Engine,
  copy: { readonly imageId: string; readonly from: string; readonly into: string },
): Promise<void> {
  const root = await engine.images.lookup(copy.imageId, copy.from);
  if (root?.type !== 'directory') return;
  const below = `${copy.from}/`;
  const entries = (await engine.images.merged(copy.imageId)).filter((entry) => entry.path.startsWith(below));
  const position = engine.images.layers(copy.imageId).length - 1;
  const relative = (entry: LayerEntry) => entry.path.slice(below.length);
  const executor = engine.shims.execute();
  try {
    await executor.send([
      { op: 'chroot', path: copy.into, why },
      { op: 'chdir', path: '/', why },
      { op: 'umask', mask: 0, why },
    ]);
    const directories: Operation[] = [];
    for (const entry of entries) {
      const path = relative(entry);
      const linked = entry.hardlink?.startsWith(below) ? entry.hardlink.slice(below.length) : undefined;
      if (linked !== undefined) {
        await executor.send([{ op: 'link', target: linked, path, why }]);
        continue;
      }
      await makeEntry(engine, executor, { entry, path, imageId: copy.imageId, position });
      if (entry.type === 'directory') directories.unshift(...attributes(entry, path));
      else await executor.send(attributes(entry, path));
    }
    // A directory's times and mode come after what is written into it.
    await executor.send([...directories, ...attributes(root, '.')]);
    await executor.close();
  } catch (failure) {
    executor.abort();
    throw failure;
  }
}

async function makeEntry(
  engine: Engine,
  executor: Executor,
  at: { readonly entry: LayerEntry; readonly path: string; readonly imageId: string; readonly position: number },
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
  const opened = await engine.images.openFile(at.imageId, { position: at.position, path: entry.path, from: 'merged' });
  for await (const data of opened.stream()) await executor.send([{ op: 'append', data, why }]);
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
