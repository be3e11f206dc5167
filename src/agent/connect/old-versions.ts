import { lstat, readlink, rm, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { namesIfThere, readIfThere } from '../sys/files.ts';
import { readArguments } from '../sys/proc.ts';

/** Milliseconds since a version was last connected with. A computer that is just copying its own must find it there. */
const rest = 3_600_000;

/**
 * Removes what older extensions brought to this host and nobody uses any more: directories beside our own in
 * `~/.porthole/agents` and `~/.porthole/node`. One is in use when a process runs from it, when a service names it, or when it
 * was connected with within the last hour. A program that was not brought (another place) removes nothing.
 *
 * @returns the directories that are gone
 */
export async function removeOldVersions(options: {
  /** Path of the agent's program that runs. */
  readonly program: string;
  /** Path of the Node that runs it. */
  readonly node: string;
  /** Where unit files of services are that may name one. */
  readonly unitDirectories: readonly string[];
  readonly now: number;
}): Promise<string[]> {
  const own = dirname(options.program);
  const home = dirname(dirname(own));
  if (basename(dirname(own)) !== 'agents' || basename(home) !== '.porthole') return [];
  const now = new Date(options.now);
  await utimes(own, now, now);
  const old = [
    ...(await versionsIn(join(home, 'agents'), /^[0-9a-f]{32}$/)),
    ...(await versionsIn(join(home, 'node'), /^\d+\.\d+\.\d+$/)),
  ].filter((place) => place !== own && !options.node.startsWith(`${place}/`));
  if (old.length === 0) return [];
  const used = await whatIsUsed(options.unitDirectories);
  const removed: string[] = [];
  for (const place of old) {
    const { mtimeMs } = await lstat(place);
    if (options.now - mtimeMs < rest || used.some((text) => text.includes(`${place}/`))) continue;
    await rm(place, { recursive: true, force: true });
    removed.push(place);
  }
  return removed;
}

async function versionsIn(directory: string, form: RegExp): Promise<string[]> {
  const names = ((await namesIfThere(directory)) ?? []).filter((name) => form.test(name));
  const found = await Promise.all(
    names.map(async (name) => ((await lstat(join(directory, name))).isDirectory() ? [join(directory, name)] : [])),
  );
  return found.flat();
}

/** Command lines and programs of every process, and the text of services' units. */
async function whatIsUsed(unitDirectories: readonly string[]): Promise<string[]> {
  const pids = ((await namesIfThere('/proc')) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
  const processes = await Promise.all(
    pids.map(async (pid) => [
      ((await readArguments(pid)) ?? []).join(' '),
      await readlink(`/proc/${pid}/exe`).catch(() => ''),
    ]),
  );
  const texts = await Promise.all(unitDirectories.map(unitsIn));
  return [...processes.flat(), ...texts.flat()];
}

async function unitsIn(directory: string): Promise<string[]> {
  const names = ((await namesIfThere(directory)) ?? []).filter((name) => /^porthole.*\.service$/.test(name));
  return Promise.all(names.map(async (name) => (await readIfThere(join(directory, name))) ?? ''));
}
