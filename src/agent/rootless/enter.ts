import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { PortholeError } from '../../base/errors.ts';
import { cloneFlags, prctlOptions } from '../plan/flags.ts';
import type { Operation } from '../plan/operations.ts';
import { becomeProgram } from '../shim/become.ts';
import { PlanFailed } from '../shim/errors.ts';
import { hasEnded, sharingNamespace } from '../sys/proc.ts';
import { isHeld, takeProcessLock } from '../sys/process-lock.ts';
import { chooseIds } from './ids.ts';
import { endKeeper, ensureKeeper, type Keeper } from './keeper.ts';

const why = 'The agent carries on as root of the user namespace.';
const SIGKILL = 9n;

/**
 * Runs the agent once more, as root of a user namespace of the user's, and resolves with its exit code when it has ended.
 * This process stays what was started: it hands signals on, and when it dies, so does the agent; containers never do.
 *
 * @param options.command gives the agent's program and arguments, once the process is there that keeps the namespace.
 */
export async function runInUserns(options: {
  command(keeper: Keeper): Promise<readonly [string, ...string[]]>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly shim: string;
  readonly execRoot: string;
  readonly user: { readonly uid: number; readonly gid: number };
}): Promise<number> {
  const { execRoot, shim } = options;
  await mkdir(execRoot, { recursive: true, mode: 0o700 });
  const { keeper, child } = await locked(execRoot, async () => {
    const found = await keeperFor(options);
    // Still locked: an agent that is ending meanwhile must not find the namespace empty.
    const operations = enterSteps(found, await options.command(found), options.env);
    return { keeper: found, child: await becomeProgram(shim, { operations }, { attached: true }) };
  });
  const handOn = (signal: NodeJS.Signals): void => child.kill(signal);
  process.on('SIGTERM', handOn).on('SIGINT', handOn);
  const code = await child.exitCode();
  await locked(execRoot, async () => {
    const others = (await sharingNamespace(keeper.pid, 'user')).filter((pid) => pid !== keeper.pid);
    // A host's init may take its time to reap who died in there.
    const ended = await Promise.all(others.map(hasEnded));
    if (!ended.includes(false)) await endKeeper(execRoot, keeper);
  });
  return code;
}

async function keeperFor({ execRoot, shim, user }: Parameters<typeof runInUserns>[0]): Promise<Keeper> {
  try {
    return await ensureKeeper({ execRoot, shim, ids: await chooseIds(user) });
  } catch (failure) {
    throw failure instanceof PlanFailed && failure.step.operation.op === 'unshare' ? noUserns(failure) : failure;
  }
}

/** Milliseconds that the other one gets: what it does under the lock takes a fraction of it. */
const patience = 10_000;

async function locked<T>(execRoot: string, task: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + patience; ; ) {
    const lock = await takeProcessLock(execRoot, 'userns.lock');
    if (!isHeld(lock)) return await task().finally(() => lock.release());
    if (Date.now() > deadline) throw beingStarted(lock.pid);
    await delay(20);
  }
}

function enterSteps(
  keeper: Keeper,
  argv: readonly [string, ...string[]],
  env: Parameters<typeof runInUserns>[0]['env'],
): Operation[] {
  const { CLONE_NEWUSER, CLONE_NEWNS } = cloneFlags;
  const { PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER } = prctlOptions;
  const variables = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return [
    { op: 'joinProcess', ...keeper, flags: CLONE_NEWUSER | CLONE_NEWNS, why },
    { op: 'setgid', gid: 0, why },
    { op: 'setuid', uid: 0, why },
    { op: 'umask', mask: 0o022, why },
    { op: 'prctl', option: PR_SET_CHILD_SUBREAPER, value: 0n, why },
    // After the change of user, which clears it. A killed agent must look the same whichever of the two was killed.
    { op: 'prctl', option: PR_SET_PDEATHSIG, value: SIGKILL, why },
    { op: 'exec', file: argv[0], argv, env: variables, search: '', why },
  ];
}

const beingStarted = (pid: number) =>
  new PortholeError('conflict', `another agent (pid ${pid}) is being started on the same directories`);
const noUserns = (cause: PlanFailed) =>
  new PortholeError(
    'unsupported',
    `this host gives ordinary users no user namespaces (${cause.errnoName}), so only root can run containers here; ` +
      'an administrator can allow them: sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces, ' +
      'or on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0',
    { cause },
  );
