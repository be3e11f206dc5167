import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { errnoOf, PortholeError } from '../../base/errors.ts';
import { closeDevices } from '../files/enter.ts';
import { lookUp } from '../layers/merged.ts';
import type { HostFacts } from '../plan/facts.ts';
import { cloneFlags, mountFlags } from '../plan/flags.ts';
import type { Operation } from '../plan/operations.ts';
import { overlayOptions } from '../plan/overlay.ts';
import type { OperationResult } from '../shim/contract.ts';
import { PlanFailed } from '../shim/errors.ts';
import { type Account, resolveAccount, UnknownAccount } from './accounts.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { StartFailed } from './errors.ts';

export interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
}

/** More than this of /etc/passwd is not read. */
const limit = 1024 * 1024;
const cachedImages = 64;
const executorTimeout = 10_000;

/**
 * Resolves a user for the start of a stopped container, in the container's own files: the image's, unless the
 * container has changed something below /etc; then the kernel reads them in the stacked root.
 */
export async function accountAtStart(engine: Engine, container: Container): Promise<Account> {
  const files = (await hasOwnEtc(container))
    ? (await readWith(engine, await stackedRoot(engine, container))).files
    : await imageFiles(engine, container.record.imageId);
  return resolved(container, container.record.config.User ?? '', files);
}

/** An account in a running container. */
export interface AccountInside {
  readonly account: Account;
  /** The files it was found in, when they were read for somebody before: to be compared before the program begins. */
  readonly madeFrom: readonly IdentifiedFile[];
}

/** Resolves a user for an exec, in the running container's view of its files. */
export async function accountInside(
  engine: Engine,
  container: Container,
  options: {
    readonly user: string;
    readonly pid: number;
    /** Nothing that follows compares the files. */
    readonly fresh?: boolean;
  },
): Promise<AccountInside> {
  const known = options.fresh ? undefined : container.accounts;
  const account = known && knownAccount(container, options.user, known.files);
  if (account) return { account, madeFrom: known.identified };
  const files = await readInside(engine, container, options.pid);
  return { account: resolved(container, options.user, files), madeFrom: [] };
}

/** What an executor read in the running container; good for as long as the files are the same ones, unchanged. */
export interface KnownAccountFiles {
  readonly identified: readonly IdentifiedFile[];
  readonly files: AccountFiles;
}

interface IdentifiedFile {
  readonly path: string;
  readonly identity: Uint8Array;
}

/** Undefined: who is not in these files may be in those that are there now. */
function knownAccount(container: Container, user: string, files: AccountFiles): Account | undefined {
  try {
    return resolved(container, user, files);
  } catch (failure) {
    if (failure instanceof StartFailed) return undefined;
    throw failure;
  }
}

async function readInside(engine: Engine, container: Container, pid: number): Promise<AccountFiles> {
  const startTicks = BigInt(container.record.startTicks || '0');
  const { files, identified } = await readWith(engine, [
    { op: 'joinProcess', pid, startTicks, flags: CLONE_NEWNS, why },
    ...withoutDevices(engine.host),
  ]);
  container.accounts = identified && { files, identified };
  return files;
}

/**
 * What the container may not open, its account files may not be: an executor is in none of the container's cgroups, so that
 * a node in place of /etc/passwd would open a disk or a watchdog of the host. In a copy of the mounts no node opens.
 */
function withoutDevices(host: HostFacts): Operation[] {
  return [{ op: 'unshare', flags: CLONE_NEWNS, why }, closeDevices(host, why)];
}

function resolved(container: Container, user: string, files: AccountFiles): Account {
  try {
    return resolveAccount(user, { ...files, extraGroups: container.record.hostConfig.GroupAdd ?? [] });
  } catch (cause) {
    if (cause instanceof UnknownAccount) throw new StartFailed(cause.message, { exitCode: 128, cause });
    throw cause;
  }
}

async function hasOwnEtc(container: Container): Promise<boolean> {
  try {
    await lstat(join(container.directory, 'upper', 'etc'));
    return true;
  } catch (failure) {
    if (errnoOf(failure) === 'ENOENT') return false;
    throw failure;
  }
}

async function imageFiles(engine: Engine, imageId: string): Promise<AccountFiles> {
  const cached = engine.accountFiles.get(imageId);
  if (cached) return cached;
  const [passwd, group] = await Promise.all([
    imageFile(engine, imageId, 'etc/passwd'),
    imageFile(engine, imageId, 'etc/group'),
  ]);
  const files = { passwd, group };
  engine.accountFiles.set(imageId, files);
  const oldest = engine.accountFiles.keys().next().value;
  if (engine.accountFiles.size > cachedImages && oldest !== undefined) engine.accountFiles.delete(oldest);
  return files;
}

async function imageFile(engine: Engine, imageId: string, path: string): Promise<string> {
  const image = engine.images.layered(imageId);
  const found = await lookUp(image, { path, signal: engine.closing });
  if (found?.entry.type !== 'file' || found.entry.size === 0) return '';
  const opened = image.open(found.position, found.entry);
  const content = await buffer(opened.stream({ start: 0, end: Math.min(opened.size, limit) - 1 }));
  return content.toString('utf8');
}

interface ReadFiles {
  readonly files: AccountFiles;
  /** Absent: they changed while they were being read, or could not be. */
  readonly identified?: readonly IdentifiedFile[];
}

/** Enters a root and reads the two files there; what links and mounts mean there is the kernel's business. */
async function readWith(engine: Engine, enter: readonly Operation[]): Promise<ReadFiles> {
  const executor = engine.shims.execute();
  const timeout = setTimeout(() => executor.abort(), executorTimeout);
  const identify = accountPaths.map((path): Operation => ({ op: 'identify', path, why }));
  const read = accountPaths.map(
    (path): Operation => ({ op: 'read', path, limit, why, tolerate: ['ENOENT', 'ENOTDIR'] }),
  );
  const operations: Operation[] = [
    ...enter,
    { op: 'capset', effective: onlyReading, permitted: onlyReading, inheritable: 0n, why },
    ...identify,
    ...read,
    ...identify,
  ];
  try {
    const results = await executor.run({ operations });
    await executor.close();
    return { files: filesOf(results, enter.length + 3), ...identifiedBy(results, enter.length + 1) };
  } catch (cause) {
    executor.abort();
    // As runc does: a file that cannot be read is none.
    if (cause instanceof PlanFailed && cause.step.operation.op === 'read') {
      return { files: filesOf(cause.results, enter.length + 3) };
    }
    throw new PortholeError('internal', 'the users and groups of the container cannot be read', { cause });
  } finally {
    clearTimeout(timeout);
  }
}

const accountPaths = ['/etc/passwd', '/etc/group'];

function filesOf(results: readonly OperationResult[], first: number): AccountFiles {
  const text = (id: number) => dataOf(results, id)?.toString('utf8') ?? '';
  return { passwd: text(first), group: text(first + 1) };
}

/** @param first id of the first `identify` of two, with two reads and again two of them behind. */
function identifiedBy(results: readonly OperationResult[], first: number): Pick<ReadFiles, 'identified'> {
  const identified: IdentifiedFile[] = [];
  for (const [index, path] of accountPaths.entries()) {
    const identity = dataOf(results, first + index);
    const after = dataOf(results, first + 2 * accountPaths.length + index);
    if (identity === undefined || after === undefined || !identity.equals(after)) return {};
    identified.push({ path, identity });
  }
  return { identified };
}

const dataOf = (results: readonly OperationResult[], id: number) => results.find((result) => result.id === id)?.data;

/** CAP_DAC_READ_SEARCH: enough for files of any owner, not for the kernel's log that a link may lead to. */
const onlyReading = 1n << 2n;
const why = 'Users and groups are looked up in the container’s own files.';
const { CLONE_NEWNS } = cloneFlags;

/** The container's root as it would be stacked, read-only, in a mount namespace that ends with the executor. */
async function stackedRoot(engine: Engine, container: Container): Promise<Operation[]> {
  const { imageId } = container.record;
  await engine.images.ensureInit(imageId);
  const { base, lowers } = engine.images.containerRootfs(imageId);
  const layers = [join(container.directory, 'upper'), ...lowers];
  const rootfs = join(container.directory, 'rootfs');
  const { MS_REC, MS_PRIVATE, MS_RDONLY, MS_NODEV, MS_NOSUID, MS_NOEXEC } = mountFlags;
  return [
    { op: 'unshare', flags: CLONE_NEWNS, why },
    { op: 'mount', source: '', target: '/', type: '', flags: MS_REC | MS_PRIVATE, data: '', why },
    { op: 'chdir', path: base, why },
    {
      op: 'mount',
      source: 'overlay',
      target: rootfs,
      type: 'overlay',
      flags: MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC,
      data: overlayOptions({ lowers: layers }, engine.host),
      why,
    },
    { op: 'chroot', path: rootfs, why },
    { op: 'chdir', path: '/', why },
  ];
}
