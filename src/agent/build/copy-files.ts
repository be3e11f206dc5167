import { posix } from 'node:path';
import type { FileRoot, NewFile } from '../files/contract.ts';
import { type ExtractedEntry, type ExtractOptions, extractEntries } from '../files/extract.ts';
import { readTar } from '../store/tar.ts';
import { zerosOf } from '../store/tar-writer.ts';
import type { UnpackLimits } from '../store/unpack-limits.ts';
import { type CopySource, entriesBelow, entryOf } from './copy-sources.ts';
import { failed, wrapped } from './errors.ts';
import type { SourceEntry } from './source-tree.ts';

export interface CopyOptions {
  /** Absolute; a slash at its end means a directory. */
  readonly destination: string;
  /** Whom everything belongs to; undefined: to whom it belongs at its source. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Permission bits of everything; undefined: as at the source. */
  readonly mode: number | undefined;
  /** Archives are unpacked. */
  readonly unpacks: boolean;
  readonly limits: UnpackLimits;
}

/** Copies into a root by Docker's rules for COPY and ADD. Paths of the root are the kernel's to resolve. */
export async function copyInto(root: FileRoot, sources: readonly CopySource[], options: CopyOptions): Promise<void> {
  for (const source of sources) {
    await copyOne(root, source, options);
  }
}

async function copyOne(root: FileRoot, source: CopySource, options: CopyOptions): Promise<void> {
  try {
    const { real, entry } = entryOf(source);
    const destination = await root.resolve(options.destination);
    if (entry.type === 'directory') await copyDirectory(root, { source, real, destination }, options);
    else if (options.unpacks && !source.isVerbatim && (await isArchive(entry, options.limits))) {
      await makeDirectories(root, destination, rootOwner);
      // To whom the archive says, whatever --chown says.
      const content = options.limits.decompressed(bytesOf(entry), `'${source.path}'`);
      await extractEntries(root, readTar(content), {
        into: destination,
        keepKinds: false,
        anyLinks: true,
        confined: true,
        alone: true,
      });
    } else await copyFile(root, { source, entry, destination }, options);
  } catch (failure) {
    throw wrapped('failed to copy files', failure);
  }
}

const rootOwner = { uid: 0, gid: 0 };

async function copyDirectory(
  root: FileRoot,
  at: { readonly source: CopySource; readonly real: string; readonly destination: string },
  options: CopyOptions,
): Promise<void> {
  const { destination } = at;
  const isThere = (await root.status(destination))?.type === 'directory';
  await makeDirectories(root, destination, rootOwner);
  await extractEntries(root, itemsOf(entriesBelow(at.source, at.real), options), extraction(destination, options));
  if (!isThere && options.owner) {
    await root.do({ op: 'chown', path: destination, ...options.owner, why });
  }
}

async function copyFile(
  root: FileRoot,
  at: { readonly source: CopySource; readonly entry: SourceEntry; readonly destination: string },
  options: CopyOptions,
): Promise<void> {
  const isDirectory = options.destination.endsWith('/') || (await root.status(at.destination))?.type === 'directory';
  const path = isDirectory ? posix.join(at.destination, posix.basename(at.source.path)) : at.destination;
  const into = posix.dirname(path);
  await makeDirectories(root, into, options.owner ?? rootOwner);
  // A file by itself loses its attributes in Docker.
  const bare: SourceEntry = { ...at.entry, xattrs: new Map() };
  await extractEntries(root, itemsOf([[posix.basename(path), bare]], options), extraction(into, options));
}

function extraction(into: string, { owner, mode }: CopyOptions): ExtractOptions {
  // A mode that was asked for stays.
  return {
    into,
    keepKinds: false,
    anyLinks: true,
    alone: true,
    ...(owner && { owner, ...(mode === undefined && { ownedLast: true }) }),
  };
}

async function* itemsOf(
  entries: Iterable<readonly [path: string, entry: SourceEntry]>,
  { mode }: CopyOptions,
): AsyncGenerator<ExtractedEntry> {
  const names = new Map<SourceEntry['body'], string>();
  for (const [name, entry] of entries) {
    const { hash: _, body, ...item } = entry;
    // Names of one file have its content in common.
    const first = entry.type === 'file' ? names.get(body) : undefined;
    if (entry.type === 'file' && first === undefined) names.set(body, name);
    yield {
      ...item,
      ...(first !== undefined && { type: 'link', link: first }),
      name,
      mode: mode ?? entry.mode,
      // Archives of Docker's have whole seconds.
      mtime: { seconds: entry.mtime.seconds, nanoseconds: 0 },
      xattrs: new Map([...entry.xattrs].filter(([attribute]) => attribute === 'security.capability')),
      body,
    };
  }
}

/** A directory with everything that is missing above it; what is made has an owner. @throws FileFailure */
export async function makeDirectories(
  root: FileRoot,
  path: string,
  owner: Pick<NewFile, 'uid' | 'gid'>,
): Promise<void> {
  const missing: string[] = [];
  for (let at = path; ; at = posix.dirname(at)) {
    const status = await root.status(at);
    if (status?.type === 'directory') break;
    if (status) throw failed(`mkdir ${at}: not a directory`);
    missing.unshift(at);
  }
  for (const each of missing) await root.mkdir(each, { mode: 0o755, ...owner });
}

async function isArchive(entry: SourceEntry, limits: UnpackLimits): Promise<boolean> {
  if (entry.type !== 'file') return false;
  try {
    for await (const _ of readTar(limits.decompressed(bytesOf(entry), 'it'))) return true;
    return false;
  } catch (failure) {
    // One that is only packed in a way that we do not know is said to be so.
    if (failure instanceof Error && failure.message.includes('compressed with')) throw failure;
    return false;
  }
}

async function* bytesOf(entry: SourceEntry): AsyncGenerator<Uint8Array> {
  for await (const piece of entry.body()) {
    if ('hole' in piece) yield* zerosOf(piece.hole);
    else yield piece;
  }
}

const why = 'Files are copied into an image that is being built.';
