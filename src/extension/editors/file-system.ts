import { randomUUID } from 'node:crypto';
import type Dockerode from 'dockerode';
import {
  type Disposable,
  EventEmitter,
  type FileChangeEvent,
  FileChangeType,
  FilePermission,
  type FileStat,
  FileSystemError,
  type FileSystemProvider,
  FileType,
  l10n,
  Uri,
} from 'vscode';
import { isKind } from '../../base/errors.ts';
import { encodePath, imageRoute } from '../../protocol/paths.ts';
import { type Fleet, findHost, keyOf } from '../fleet.ts';
import type { Host } from '../hosts/contract.ts';
import { inspected } from '../inspect/inspected.ts';
import { explain } from '../problems.ts';
import { historyTable } from './history.ts';
import { parseSource, type Source, uriParts } from './uris.ts';

/** What an engine is asked for and what is kept until it changes. */
type Described = Extract<Source, { kind: 'inspect' | 'history' }>;

/** VS Code does not open larger files in an editor without asking; neither do we fetch them. Bytes. */
const limit = 50 * 1024 * 1024;

/** How many texts are kept. */
const most = 20;

/** Read-only files behind `porthole:` URIs: files of layers, and what engines say about their objects. */
export class PortholeFiles implements FileSystemProvider {
  readonly #fleet: Fleet;
  readonly #changed = new EventEmitter<FileChangeEvent[]>();
  /** Inspect documents that were read, with the time of the last change that they were told of. */
  readonly #inspected = new Map<string, { uri: Uri; mtime: number; bytes?: Uint8Array }>();
  readonly #kept = new Map<string, Uint8Array>();
  readonly onDidChangeFile = this.#changed.event;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  /** Text as a document, for as long as the window lives. It may hold secrets: it must not be in an address, which VS Code keeps. */
  keep(path: string, text: string): Uri {
    const id = randomUUID();
    this.#kept.set(id, new TextEncoder().encode(text));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= most) break;
      this.#kept.delete(oldest);
    }
    return Uri.from(uriParts(path, { kind: 'kept', id }));
  }

  /** Objects changed: the documents about them are read anew. */
  touch(ids: ReadonlySet<string>): void {
    const stale = [...this.#inspected.values()].filter(({ uri }) => {
      const source = parseSource(uri.query);
      return (source?.kind === 'inspect' || source?.kind === 'history') && ids.has(keyOf(source));
    });
    for (const document of stale) {
      document.mtime = Date.now();
      delete document.bytes;
    }
    if (stale.length > 0) this.#changed.fire(stale.map(({ uri }) => ({ type: FileChangeType.Changed, uri })));
  }

  async stat(uri: Uri): Promise<FileStat> {
    const source = sourceOf(uri);
    const file = { type: FileType.File, permissions: FilePermission.Readonly };
    if (source.kind === 'file') return { ...file, size: source.size, ctime: 0, mtime: source.mtime * 1000 };
    if (source.kind === 'text') return { ...file, size: Buffer.byteLength(source.text), ctime: 0, mtime: 0 };
    if (source.kind === 'kept') return { ...file, size: this.#keptText(uri, source.id).length, ctime: 0, mtime: 0 };
    const { bytes, mtime } = await this.#inspect(uri, source);
    return { ...file, size: bytes.length, ctime: 0, mtime };
  }

  async readFile(uri: Uri): Promise<Uint8Array> {
    const source = sourceOf(uri);
    if (source.kind === 'text') return new TextEncoder().encode(source.text);
    if (source.kind === 'kept') return this.#keptText(uri, source.id);
    if (source.kind === 'inspect' || source.kind === 'history') return (await this.#inspect(uri, source)).bytes;
    const path = encodePath(source.path);
    const image = imageRoute({ engine: source.engine, id: source.image });
    const route =
      source.from === 'layer'
        ? `${image}/layers/${source.position}/file?path=${path}`
        : `${image}/merged/file?path=${path}&position=${source.position}`;
    try {
      return await this.#host(source.host).portholeBytes(route, { limit });
    } catch (failure) {
      throw isKind(failure, 'not-found')
        ? FileSystemError.FileNotFound(uri)
        : FileSystemError.Unavailable(explain(failure));
    }
  }

  watch(): Disposable {
    return { dispose: () => undefined };
  }

  readDirectory(uri: Uri): never {
    throw FileSystemError.FileNotADirectory(uri);
  }

  createDirectory(): never {
    throw readOnly();
  }

  writeFile(): never {
    throw readOnly();
  }

  delete(): never {
    throw readOnly();
  }

  rename(): never {
    throw readOnly();
  }

  dispose(): void {
    this.#changed.dispose();
  }

  #keptText(uri: Uri, id: string): Uint8Array {
    const text = this.#kept.get(id);
    if (!text) throw FileSystemError.FileNotFound(uri);
    return text;
  }

  async #inspect(uri: Uri, source: Described): Promise<{ bytes: Uint8Array; mtime: number }> {
    const key = uri.toString();
    const known = this.#inspected.get(key) ?? { uri, mtime: Date.now() };
    this.#inspected.set(key, known);
    if (!known.bytes) {
      try {
        const words = await described(this.#host(source.host).engine(source.engine), source);
        known.bytes = new TextEncoder().encode(words);
      } catch (failure) {
        this.#inspected.delete(key);
        throw FileSystemError.Unavailable(explain(failure));
      }
    }
    return { bytes: known.bytes, mtime: known.mtime };
  }

  #host(id: string): Host {
    const entry = findHost(this.#fleet, id);
    if (!entry) throw FileSystemError.Unavailable(l10n.t('No such host: {0}', id));
    return entry.host;
  }
}

async function described(docker: Dockerode, source: Described): Promise<string> {
  if (source.kind === 'history') {
    return historyTable(await docker.getImage(source.id).history(), {
      created: l10n.t('Created'),
      size: l10n.t('Size'),
      instruction: l10n.t('Instruction'),
      comment: l10n.t('Comment'),
    });
  }
  return `${JSON.stringify(await inspected(docker, source), undefined, 2)}\n`;
}

const readOnly = () => FileSystemError.NoPermissions(l10n.t('Images do not change'));

function sourceOf(uri: Uri): Source {
  const source = parseSource(uri.query);
  if (!source) throw FileSystemError.FileNotFound(uri);
  return source;
}
