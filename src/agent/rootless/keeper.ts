import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { mapText } from '../oci/id-mappings.ts';
import { cloneFlags, prctlOptions } from '../plan/flags.ts';
import type { Operation } from '../plan/operations.ts';
import { text } from '../plan/text.ts';
import { becomeProgram } from '../shim/become.ts';
import { readJsonFile, writeDurable } from '../sys/durable.ts';
import { writeIdMap } from '../sys/id-maps.ts';
import { isAlive, startTicks } from '../sys/proc.ts';
import { killProcess } from '../sys/signals.ts';
import type { RootlessIds } from './ids.ts';

/**
 * The process that holds the user and mount namespace of an engine without root. Agents come and go, containers stay in
 * their user namespace: the next agent has to get into the same one, and a namespace lasts as long as somebody is in it.
 */
export interface Keeper {
  readonly pid: number;
  readonly startTicks: bigint;
}

const Stored = v.object({ pid: v.number(), startTicks: v.string() });
const why = 'An engine without root has a user namespace of its own, in which it is root.';

/** The keeper that is there, or a new one. The caller has made EXEC_ROOT and sees to it that nobody else does the same. */
export async function ensureKeeper(options: {
  readonly execRoot: string;
  readonly shim: string;
  readonly ids: RootlessIds;
}): Promise<Keeper> {
  const file = keeperFile(options.execRoot);
  const stored = v.safeParse(Stored, await readJsonFile(file).catch(() => undefined));
  if (stored.success) {
    const keeper = { pid: stored.output.pid, startTicks: BigInt(stored.output.startTicks) };
    if (await isAlive(keeper)) return keeper;
  }
  const { pid } = await makeKeeper(options);
  try {
    const keeper = { pid, startTicks: (await startTicks(pid)) ?? 0n };
    await writeDurable(file, `${JSON.stringify({ pid, startTicks: String(keeper.startTicks) })}\n`, { mode: 0o600 });
    return keeper;
  } catch (failure) {
    // Nobody would ever find it.
    killProcess(pid);
    throw failure;
  }
}

/** Ends the keeper: nobody is in its namespaces any more. */
export async function endKeeper(execRoot: string, keeper: Keeper): Promise<void> {
  if (await isAlive(keeper)) killProcess(keeper.pid);
  await rm(keeperFile(execRoot), { force: true });
}

const keeperFile = (execRoot: string): string => join(execRoot, 'userns.json');

async function makeKeeper({ shim, ids }: { readonly shim: string; readonly ids: RootlessIds }) {
  const { mappings, mappers } = ids;
  const { CLONE_NEWUSER, CLONE_NEWNS } = cloneFlags;
  const first: Operation[] = [
    // The files of /proc/PID belong to root while a process cannot be dumped.
    { op: 'prctl', option: prctlOptions.PR_SET_DUMPABLE, value: 1n, why },
    { op: 'unshare', flags: CLONE_NEWUSER, why },
  ];
  const alone: Operation[] = [
    { op: 'write', path: '/proc/self/uid_map', data: text(mapText(mappings.uids)), why },
    { op: 'write', path: '/proc/self/setgroups', data: text('deny'), why },
    { op: 'write', path: '/proc/self/gid_map', data: text(mapText(mappings.gids)), why },
  ];
  return becomeProgram(
    shim,
    {
      first: [...first, ...(mappers ? [] : alone)],
      operations: [
        { op: 'setgid', gid: 0, why },
        { op: 'setuid', uid: 0, why },
        { op: 'unshare', flags: CLONE_NEWNS, why },
        { op: 'exec', file: shim, argv: ['porthole-shim', 'hold'], env: [], search: '', why },
      ],
    },
    {
      attached: false,
      between: async (pid) => {
        if (mappers === undefined) return;
        await writeIdMap(mappers.uid, pid, mappings.uids);
        await writeIdMap(mappers.gid, pid, mappings.gids);
      },
    },
  );
}
