import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { posix } from 'node:path';
import { canceled, PortholeError } from '../../base/errors.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Operation } from '../plan/operations.ts';
import type { Executor, OperationResult, Shims } from '../shim/contract.ts';
import { errnoNumber } from '../shim/errno.ts';
import { nameOf } from '../sys/names.ts';
import type {
  FileDescription,
  FileRoot,
  FileStatus,
  NewFile,
  OpenFile,
  Piece,
  Place,
  StackedRoot,
} from './contract.ts';
import { enterDirectory, enterRunning, enterStack, giveUpRights, why } from './enter.ts';
import { FileFailure } from './errors.ts';
import { namesIn, statusOf } from './status.ts';

/**
 * Enters a root. An abort of the signal kills the executor, whatever the kernel is doing for it.
 * @throws PlanFailed ESRCH when the process of a running root is gone.
 */
export async function openFileRoot(
  parts: { readonly shims: Shims; readonly host: HostFacts },
  place: Place,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<FileRoot> {
  if (signal?.aborted) throw canceled('looking at files');
  const executor = parts.shims.execute();
  const abort = (): void => executor.abort();
  signal?.addEventListener('abort', abort, { once: true });
  const root = new ExecutorRoot(executor, () => signal?.removeEventListener('abort', abort));
  try {
    await enter(root, executor, { place, host: parts.host });
    const trusted = place.kind === 'directory' && place.trusted === true;
    const remapped = place.kind === 'running' && place.remapped === true;
    await executor.run({ operations: giveUpRights(parts.host, { trusted, remapped }) });
    return root;
  } catch (failure) {
    await root.close();
    throw failure;
  }
}

async function enter(
  root: ExecutorRoot,
  executor: Executor,
  { place, host }: { readonly place: Place; readonly host: HostFacts },
): Promise<void> {
  if (place.kind === 'running') await executor.run({ operations: enterRunning(place, host) });
  else if (place.kind === 'directory') await executor.run({ operations: enterDirectory(place) });
  else await enterWithBinds(root, executor, { place, host });
}

/** As many mounts as the shim can hold open. */
const mostBinds = 64;

async function enterWithBinds(
  root: ExecutorRoot,
  executor: Executor,
  { place, host }: { readonly place: StackedRoot; readonly host: HostFacts },
): Promise<void> {
  const found = await Promise.all(
    place.binds.map(async (bind) => ({
      ...bind,
      kind: await stat(posix.join(bind.source, bind.below ?? '')).then(
        (status) => (status.isDirectory() ? 'directory' : 'file'),
        () => undefined,
      ),
    })),
  );
  const binds = found.filter(({ kind }) => kind !== undefined);
  if (binds.length > mostBinds) {
    throw new PortholeError('unsupported', `the container has more than ${mostBinds} mounts`);
  }
  await executor.run({
    operations: enterStack(place, binds, host),
  });
  for (const [slot, { target, kind }] of binds.entries()) {
    const path = await root.resolve(target);
    if (kind === 'directory') await root.do({ op: 'mkdirs', path, mode: 0o755, why });
    else if ((await root.status(path)) === undefined) {
      await root.do({ op: 'mkdirs', path: posix.dirname(path), mode: 0o755, why });
      await root.do({ op: 'touch', path, mode: 0o755, why });
    }
    await root.do({ op: 'moveMount', slot, target: path, why });
  }
}

const nothing = new Set(['ENOENT', 'ENOTDIR'].map(errnoNumber));
/** Docker's own bound on links in one path. */
const mostLinks = 255;
const longestLink = 4096;
const longestAttribute = 65_536;
const listing = 1 << 16;
const chunk = 1 << 18;
const firstRead = 1 << 14;
const perQuestion = 256;
/** Attributes that archives carry: capabilities of files, and what users have set. */
const carried = /^(security\.capability$|user\.|trusted\.overlay\.)/;

class ExecutorRoot implements FileRoot {
  readonly #executor: Executor;
  readonly #release: () => void;
  /** Of the file that is open: a stream of one that is not any more must not read on. */
  #opened: object | undefined;

  constructor(executor: Executor, release: () => void) {
    this.#executor = executor;
    this.#release = release;
  }

  async status(path: string): Promise<FileStatus | undefined> {
    const [result] = await this.#executor.ask([{ op: 'stat', path, why }]);
    if (result?.data && result.errno === 0) return statusOf(result.data);
    if (result && nothing.has(result.errno)) return undefined;
    throw new FileFailure('lstat', path, result?.errno ?? 0);
  }

  async describe(paths: readonly string[]): Promise<(FileDescription | undefined)[]> {
    const found: (FileDescription | undefined)[] = [];
    for (let at = 0; at < paths.length; at += perQuestion) {
      for (const one of await this.#describe(paths.slice(at, at + perQuestion))) found.push(one);
    }
    return found;
  }

  async #describe(paths: readonly string[]): Promise<(FileDescription | undefined)[]> {
    const first = await this.#executor.ask(
      paths.flatMap((path): Operation[] => [
        { op: 'stat', path, why },
        { op: 'listxattr', path, limit: longestAttribute, why },
      ]),
    );
    const questions: Operation[] = [];
    const answers: ((data: Buffer) => void)[] = [];
    const found = paths.map((path, position) => {
      const status = first[position * 2];
      if (!status?.data) {
        if (!status || nothing.has(status.errno)) return undefined;
        throw new FileFailure('lstat', path, status.errno);
      }
      const xattrs = new Map<string, Buffer>();
      const description = { ...statusOf(status.data), link: '', xattrs };
      if (description.type === 'symlink') {
        questions.push({ op: 'readlink', path, limit: longestLink, why });
        answers.push((data) => {
          description.link = nameOf(data);
        });
      }
      const names = nameOf(first[position * 2 + 1]?.data ?? Buffer.alloc(0)).split('\0');
      for (const name of names.filter((each) => carried.test(each))) {
        questions.push({ op: 'getxattr', path, name, limit: longestAttribute, why });
        answers.push((data) => xattrs.set(name, data));
      }
      return description;
    });
    if (questions.length > 0) {
      // What has gone meanwhile keeps what is known of it.
      for (const [at, { errno, data }] of (await this.#executor.ask(questions)).entries()) {
        if (errno === 0) answers[at]?.(data ?? Buffer.alloc(0));
      }
    }
    return found;
  }

  async names(path: string): Promise<string[]> {
    const names: string[] = [];
    for (let next = path; ; next = '') {
      const { data } = await this.do({ op: 'readdir', path: next, limit: listing, why }, path);
      if (!data) return names.sort();
      for (const name of namesIn(data)) names.push(name);
    }
  }

  async resolve(path: string): Promise<string> {
    const rest = path.split('/');
    const done: string[] = [];
    let links = 0;
    for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        done.pop();
        continue;
      }
      const here = `/${[...done, part].join('/')}`;
      const [result] = await this.#executor.ask([{ op: 'readlink', path: here, limit: longestLink, why }]);
      // EINVAL: it is no link. Whatever else is wrong, whoever uses the path will hear.
      if (!result?.data) {
        done.push(part);
        continue;
      }
      if (++links > mostLinks) throw new FileFailure('lstat', path, errnoNumber('ELOOP'));
      const target = nameOf(result.data);
      if (target.startsWith('/')) done.length = 0;
      rest.unshift(...target.split('/'));
    }
    return `/${done.join('/')}`;
  }

  async open(path: string): Promise<OpenFile> {
    const opened = {};
    this.#opened = opened;
    // Most files are small: their content comes with the same answer.
    const [found, first] = await this.#executor.ask([
      { op: 'openFile', path, why },
      { op: 'readAt', offset: 0n, limit: firstRead, why },
    ]);
    if (!found?.data || found.errno !== 0) throw new FileFailure('open', path, found?.errno ?? 0);
    const status = statusOf(found.data);
    const whole = first?.errno === 0 && first.data?.length === status.size ? first.data : undefined;
    return {
      status,
      pieces: (range = { start: 0, end: status.size - 1 }) =>
        whole && status.stored >= status.size
          ? once(whole.subarray(range.start, range.end + 1))
          : this.#pieces(opened, { path, range, sparse: status.stored < status.size }),
      holes: () => this.#holes(opened, { path, size: status.size }),
    };
  }

  async #holes(opened: object, { path, size }: { readonly path: string; readonly size: number }): Promise<number> {
    let holes = 0;
    for (let at = 0; at < size; ) {
      this.#check(opened, path);
      const { start, end } = await this.#nextData(at, size);
      holes += start - at;
      at = end;
    }
    return holes;
  }

  async *#pieces(
    opened: object,
    {
      path,
      range,
      sparse,
    }: {
      readonly path: string;
      readonly range: { readonly start: number; readonly end: number };
      readonly sparse: boolean;
    },
  ): AsyncGenerator<Piece> {
    const end = range.end + 1;
    for (let at = range.start; at < end; ) {
      this.#check(opened, path);
      const next = sparse ? await this.#nextData(at, end) : { start: at, end };
      if (next.start > at) yield { hole: next.start - at };
      at = next.start;
      while (at < next.end) {
        this.#check(opened, path);
        const limit = Math.min(chunk, next.end - at);
        const { data } = await this.do({ op: 'readAt', offset: BigInt(at), limit, why }, path);
        if (!data) return; // It became shorter.
        at += data.length;
        yield data;
      }
    }
  }

  #check(opened: object, path: string): void {
    if (this.#opened !== opened) throw new PortholeError('internal', `${path} is not open any more`);
  }

  async #nextData(at: number, end: number): Promise<{ start: number; end: number }> {
    const [result] = await this.#executor.ask([{ op: 'dataRange', offset: BigInt(at), why }]);
    if (result?.errno === errnoNumber('ENXIO')) return { start: end, end };
    // A file system that knows nothing of holes.
    if (!result?.data) return { start: at, end };
    const start = Math.min(end, Number(result.data.readBigUInt64LE(0)));
    return { start, end: Math.min(end, Number(result.data.readBigUInt64LE(8))) };
  }

  async write(path: string, source: AsyncIterable<Uint8Array>, { mode, uid, gid }: NewFile): Promise<void> {
    const temporary = posix.join(posix.dirname(path), `.porthole-${randomBytes(6).toString('hex')}`);
    await this.do({ op: 'file', path: temporary, mode: 0o600, why }, path);
    try {
      for await (const data of source) await this.do({ op: 'append', data, why }, path);
      await this.do({ op: 'chown', path: '', uid, gid, why }, path);
      await this.do({ op: 'chmod', path: '', mode, why }, path);
      await this.do({ op: 'syncFile', why }, path);
      await this.do({ op: 'rename', from: temporary, to: path, why }, path);
    } catch (failure) {
      await this.#executor.ask([{ op: 'unlink', path: temporary, why }]).catch(() => undefined);
      throw failure;
    }
  }

  async mkdir(path: string, { mode, uid, gid }: NewFile): Promise<void> {
    await this.do({ op: 'mkdir', path, mode: 0o700, why });
    await this.do({ op: 'openDirectory', path, why });
    await this.do({ op: 'chown', path: '', uid, gid, why }, path);
    await this.do({ op: 'chmod', path: '', mode, why }, path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.do({ op: 'rename', from, to, why }, from);
  }

  async remove(path: string): Promise<void> {
    await this.do({ op: 'rmtree', path, why });
  }

  async do(operation: Operation, path = 'path' in operation ? operation.path : ''): Promise<OperationResult> {
    const [result] = await this.#executor.ask([operation]);
    if (!result) throw new PortholeError('internal', `${operation.op} ${path} was not answered`);
    if (result.errno !== 0) throw new FileFailure(calls[operation.op] ?? operation.op, path, result.errno);
    return result;
  }

  async all(operations: readonly Operation[], path: string): Promise<void> {
    const results = await this.#executor.ask(operations);
    for (const [at, { errno }] of results.entries()) {
      const operation = operations[at];
      if (errno === 0 || !operation) continue;
      if (operation.tolerate?.some((name) => errnoNumber(name) === errno)) continue;
      throw new FileFailure(calls[operation.op] ?? operation.op, path, errno);
    }
  }

  async close(): Promise<void> {
    this.#opened = undefined;
    await this.#executor.close().catch(() => undefined);
    // Only now: what the kernel is still doing for it must be left to an abort.
    this.#release();
  }
}

async function* once(data: Buffer): AsyncGenerator<Piece> {
  if (data.length > 0) yield data;
}

/** Names of the system calls, as Go's errors have them. */
const calls: Readonly<Record<string, string>> = {
  stat: 'lstat',
  openFile: 'open',
  readdir: 'open',
  readAt: 'read',
  file: 'open',
  append: 'write',
  chown: 'lchown',
  mkdirs: 'mkdir',
  rmtree: 'remove',
};
