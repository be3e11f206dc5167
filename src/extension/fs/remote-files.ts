import { posix } from 'node:path';
import * as v from 'valibot';
import {
  type Disposable,
  EventEmitter,
  type FileChangeEvent,
  FileChangeType,
  type FileStat,
  FileSystemError,
  type FileSystemProvider,
  FileType,
  l10n,
  type Uri,
} from 'vscode';
import { isKind } from '../../base/errors.ts';
import type { FileEntry, FileKind } from '../../protocol/files.ts';
import type { Host } from '../hosts/contract.ts';
import { explain } from '../problems.ts';
import type { Reach } from './reach.ts';
import { filesOf, filesRoute } from './uris.ts';

/** What an editor of VS Code can hold; more is downloaded instead. Bytes. */
const limit = 50 * 1024 * 1024;

const kinds = v.picklist(['file', 'directory', 'symlink', 'char', 'block', 'fifo', 'socket']);
const entrySchema: v.GenericSchema<unknown, FileEntry> = v.object({
  name: v.string(),
  type: kinds,
  mode: v.number(),
  uid: v.number(),
  gid: v.number(),
  size: v.number(),
  mtime: v.number(),
  mtimeNs: v.number(),
  link: v.exactOptional(v.string()),
  leads: v.exactOptional(v.object({ path: v.string(), type: kinds, size: v.number() })),
});

/** The files of containers and volumes, as the agent shows them: no process inside is needed, and no path leads out. */
export class RemoteFiles implements FileSystemProvider {
  readonly #reach: Reach;
  readonly #changed = new EventEmitter<FileChangeEvent[]>();
  readonly onDidChangeFile = this.#changed.event;

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  async stat(uri: Uri): Promise<FileStat> {
    return statOf(await this.#entry(uri));
  }

  async readDirectory(uri: Uri): Promise<[string, FileType][]> {
    const entries = await this.list(uri);
    return entries.map((entry) => [entry.name, typeOf(entry)]);
  }

  /** A directory's entries with everything that is known of them, sorted by name. */
  async list(uri: Uri): Promise<readonly FileEntry[]> {
    const answer = await this.#ask(uri, (host, route) => host.porthole(`${route}/tree?${query(uri.path)}`));
    return v.parse(v.array(entrySchema), answer);
  }

  async readFile(uri: Uri): Promise<Uint8Array> {
    return this.#ask(uri, (host, route) => host.portholeBytes(`${route}/file?${query(uri.path)}`, { limit }));
  }

  async writeFile(uri: Uri, body: Uint8Array, options: { create: boolean; overwrite: boolean }): Promise<void> {
    const before = await this.#find(uri);
    if (!before && !options.create) throw FileSystemError.FileNotFound(uri);
    if (before && !options.overwrite) throw FileSystemError.FileExists(uri);
    if (before && (before.leads?.type ?? before.type) === 'directory') throw FileSystemError.FileIsADirectory(uri);
    await this.#send('PUT', uri, `file?${query(uri.path)}`, body);
    this.#told([{ type: before ? FileChangeType.Changed : FileChangeType.Created, uri }]);
  }

  async createDirectory(uri: Uri): Promise<void> {
    if (await this.#find(uri)) throw FileSystemError.FileExists(uri);
    await this.#send('POST', uri, `directory?${query(uri.path)}`);
    this.#told([{ type: FileChangeType.Created, uri }]);
  }

  async delete(uri: Uri, options: { recursive: boolean }): Promise<void> {
    if (!options.recursive && (await this.#entry(uri)).type === 'directory' && (await this.list(uri)).length > 0) {
      throw FileSystemError.NoPermissions(l10n.t('{0} is not empty', uri.path));
    }
    await this.#send('DELETE', uri, `file?${query(uri.path)}`);
    this.#told([{ type: FileChangeType.Deleted, uri }]);
  }

  async rename(from: Uri, to: Uri, options: { overwrite: boolean }): Promise<void> {
    if (from.authority !== to.authority) throw FileSystemError.Unavailable(l10n.t('It can only be copied there'));
    if (await this.#find(to)) {
      if (!options.overwrite) throw FileSystemError.FileExists(to);
      await this.#send('DELETE', to, `file?${query(to.path)}`);
    }
    await this.#send('POST', from, `rename?${query(from.path, 'from')}&${query(to.path, 'to')}`);
    this.#told([
      { type: FileChangeType.Deleted, uri: from },
      { type: FileChangeType.Created, uri: to },
    ]);
  }

  /** Nobody tells of changes inside; VS Code looks again whenever an editor gets the focus. */
  watch(): Disposable {
    return { dispose: () => undefined };
  }

  dispose(): void {
    this.#changed.dispose();
  }

  async #entry(uri: Uri): Promise<FileEntry> {
    const answer = await this.#ask(uri, (host, route) => host.porthole(`${route}/entry?${query(uri.path)}`));
    return v.parse(entrySchema, answer);
  }

  async #find(uri: Uri): Promise<FileEntry | undefined> {
    try {
      return await this.#entry(uri);
    } catch (failure) {
      if (failure instanceof FileSystemError && failure.code === 'FileNotFound') return undefined;
      throw failure;
    }
  }

  async #send(method: 'PUT' | 'POST' | 'DELETE', uri: Uri, what: string, body?: Uint8Array): Promise<void> {
    await this.#ask(uri, (host, route) => host.portholeSend(method, `${route}/${what}`, { ...(body && { body }) }));
  }

  #told(changes: FileChangeEvent[]): void {
    const parents = changes.map(({ uri }) => uri.with({ path: posix.dirname(uri.path) }));
    this.#changed.fire([...changes, ...parents.map((uri) => ({ type: FileChangeType.Changed, uri }))]);
  }

  async #ask<T>(uri: Uri, ask: (host: Host, route: string) => Promise<T>): Promise<T> {
    const of = filesOf(uri.authority);
    if (!of) throw FileSystemError.FileNotFound(uri);
    return told(uri, async () => ask(await this.#reach.host(of.host), filesRoute(of)));
  }
}

export function typeOf({ type, leads }: FileEntry): FileType {
  if (type === 'symlink') return FileType.SymbolicLink | plainType(leads?.type);
  return plainType(type);
}

function plainType(type: FileKind | undefined): FileType {
  if (type === 'directory') return FileType.Directory;
  return type === 'file' ? FileType.File : FileType.Unknown;
}

function statOf(entry: FileEntry): FileStat {
  return {
    type: typeOf(entry),
    size: entry.leads?.size ?? entry.size,
    ctime: 0,
    mtime: entry.mtime * 1000 + Math.floor(entry.mtimeNs / 1_000_000),
  };
}

const query = (path: string, name = 'path'): string => `${name}=${encodeURIComponent(path)}`;

async function told<T>(uri: Uri, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (failure) {
    if (isKind(failure, 'not-found')) throw FileSystemError.FileNotFound(uri);
    if (isKind(failure, 'forbidden')) throw FileSystemError.NoPermissions(explain(failure));
    if (isKind(failure, 'conflict')) throw FileSystemError.FileExists(uri);
    throw FileSystemError.Unavailable(explain(failure));
  }
}
