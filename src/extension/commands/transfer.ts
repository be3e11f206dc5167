import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type Dockerode from 'dockerode';
import tarFs, { type Headers } from 'tar-fs';
import { pack } from 'tar-stream';
import type { PackedEntry } from '../tree/dropped.ts';

/** Files and directories of this computer into a directory of a container, with their modes; owners become root. */
export async function copyInto(
  container: Dockerode.Container,
  { sources, directory, signal }: { sources: readonly string[]; directory: string; signal: AbortSignal },
): Promise<void> {
  for (const source of sources) {
    const name = basename(source);
    const pack = (await stat(source)).isDirectory()
      ? tarFs.pack(source, { map: (header) => ownedBy(0, 0, { ...header, name: posix.join(name, header.name) }) })
      : tarFs.pack(dirname(source), { entries: [name], map: (header) => ownedBy(0, 0, header) });
    await container.putArchive(Readable.from(pack), { path: directory, abortSignal: signal });
  }
}

/** Files and directories that are not on this computer, one after the other; owners become root */
export async function copyPacked(
  container: Dockerode.Container,
  options: { entries: AsyncIterable<PackedEntry>; directory: string; signal: AbortSignal },
): Promise<void> {
  const { entries, directory, signal } = options;
  const archive = pack();
  const packed = (async () => {
    for await (const { name, bytes } of entries) {
      if (bytes) archive.entry({ name, mode: 0o644 }, Buffer.from(bytes));
      else archive.entry({ name, type: 'directory', mode: 0o755 });
    }
    archive.finalize();
  })();
  packed.catch((failure: unknown) => archive.destroy(failure instanceof Error ? failure : new Error(String(failure))));
  // What breaks the packing says more than the request that breaks with it.
  await Promise.all([packed, container.putArchive(Readable.from(archive), { path: directory, abortSignal: signal })]);
}

/** A file or directory of a container below a directory of this computer. */
export async function copyOut(
  container: Dockerode.Container,
  { path, directory, signal }: { path: string; directory: string; signal: AbortSignal },
): Promise<void> {
  await extractBelow(await container.getArchive({ path, abortSignal: signal }), directory, signal);
}

const kept = new Set<string>(['file', 'directory', 'symlink', 'link']);

/**
 * Unpacks what somebody hostile may have made: the library refuses names and links that lead out of the directory and drops
 * setuid bits; devices and the like are left out here, and everything belongs to whoever runs this.
 */
export async function extractBelow(
  archive: NodeJS.ReadableStream,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const extract = tarFs.extract(directory, {
    ignore: (_, header) => header !== undefined && !kept.has(header.type),
    map: (header) => ownedBy(uid, gid, header),
  });
  await pipeline(archive, extract, { signal });
}

/** A stream into a file of this computer. A part of it never stays. @param say told the bytes so far */
export async function saveStream(
  stream: NodeJS.ReadableStream,
  { file, signal, say }: { file: string; signal: AbortSignal; say: (bytes: number) => void },
): Promise<void> {
  const partial = `${file}.partial`;
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    say(bytes);
  });
  try {
    await pipeline(stream, createWriteStream(partial, { mode: 0o600 }), { signal });
    await rename(partial, file);
  } catch (failure) {
    await rm(partial, { force: true });
    throw failure;
  }
}

const ownedBy = (uid: number, gid: number, header: Headers): Headers => ({ ...header, uid, gid });
