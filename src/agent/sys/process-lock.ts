import { link, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, PortholeError } from '../../base/errors.ts';
import { bootId, isAlive, startTicks } from './proc.ts';

export interface ProcessLock {
  /** Lets go before the process ends. */
  release(): Promise<void>;
}

/** Who has the lock. */
export interface LockHolder {
  readonly pid: number;
}

/**
 * A lock that dies with the process that took it. Node has no flock(2), so it is files that name a process by pid,
 * start time and boot (a service may get the same pid at the same tick of the next boot): `NAME.1`, `NAME.2` and so on, of which the highest counts. A dead holder is followed by the next number,
 * which link(2) gives to exactly one; nothing is ever taken away from under a competitor, because only who holds the
 * highest number removes lower ones.
 *
 * @returns the lock, or who has it
 */
export async function takeProcessLock(directory: string, name: string): Promise<ProcessLock | LockHolder> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const mine = `${process.pid} ${(await startTicks(process.pid)) ?? 0n} ${await bootId()}\n`;
  const temporary = join(directory, `.${name}.${process.pid}.${process.hrtime.bigint()}`);
  try {
    await writeFile(temporary, mine, { mode: 0o600, flag: 'wx' }).catch((failure) => {
      throw isFull(failure) ? noSpace(directory, failure) : failure;
    });
    for (;;) {
      const highest = Math.max(0, ...(await numbersOf(directory, name)));
      const holder = highest === 0 ? undefined : await holderOf(join(directory, `${name}.${highest}`));
      if (holder !== undefined) return holder;
      const path = join(directory, `${name}.${highest + 1}`);
      if (!(await isLinked(temporary, path))) continue;
      const numbers = await numbersOf(directory, name);
      if (Math.max(...numbers) > highest + 1) {
        // A slow look: others took the lock and let go of it meanwhile, and removed what we had seen.
        await rm(path, { force: true });
        continue;
      }
      const older = numbers.filter((number) => number <= highest);
      await Promise.all(older.map((number) => rm(join(directory, `${name}.${number}`), { force: true })));
      await removeTemporaries(directory, name);
      return { release: () => truncate(path) };
    }
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Who has a lock now; undefined: nobody. */
export async function lockHolder(directory: string, name: string): Promise<LockHolder | undefined> {
  const highest = Math.max(0, ...(await numbersOf(directory, name).catch(() => [])));
  return highest === 0 ? undefined : holderOf(join(directory, `${name}.${highest}`));
}

export function isHeld(taken: ProcessLock | LockHolder): taken is LockHolder {
  return 'pid' in taken;
}

const isFull = (failure: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errnoOf(failure) ?? '');

const noSpace = (directory: string, cause: unknown) =>
  new PortholeError('unavailable', `no space left on device: nothing can be written in ${directory}`, { cause });

/** What processes left that were killed while they asked for the lock. */
async function removeTemporaries(directory: string, name: string): Promise<void> {
  for (const entry of await readdir(directory)) {
    const pid = entry.startsWith(`.${name}.`) ? /^(\d+)\.\d+$/.exec(entry.slice(name.length + 2))?.[1] : undefined;
    if (pid === undefined || (await startTicks(Number(pid))) !== undefined) continue;
    await rm(join(directory, entry), { force: true });
  }
}

/** Undefined: it is dead, or has let go. */
async function holderOf(path: string): Promise<LockHolder | undefined> {
  const text = await readFile(path, 'utf8').catch((failure: unknown) => {
    // A competitor with a higher number removed it: look again.
    if (errnoOf(failure) === 'ENOENT') return '';
    throw failure;
  });
  // Agents before 0.2 wrote no boot.
  const match = /^(\d+) (\d+)(?: (\S+))?\n$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  if (match[3] !== undefined && match[3] !== (await bootId())) return undefined;
  const pid = Number(match[1]);
  return (await isAlive({ pid, startTicks: BigInt(match[2]) })) ? { pid } : undefined;
}

async function numbersOf(directory: string, name: string): Promise<number[]> {
  return (await readdir(directory)).flatMap((entry) => {
    const number = entry.startsWith(`${name}.`) ? entry.slice(name.length + 1) : '';
    return /^\d{1,15}$/.test(number) ? [Number(number)] : [];
  });
}

async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (failure) {
    if (errnoOf(failure) === 'EEXIST') return false;
    throw failure;
  }
}
