import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PortholeError } from '../../base/errors.ts';
import { cloneFlags, prctlOptions } from '../plan/flags.ts';
import type { Operation } from '../plan/operations.ts';
import { becomeProgram } from '../shim/become.ts';
import { PlanFailed } from '../shim/errors.ts';
import { isHeld, takeProcessLock } from '../sys/process-lock.ts';
import { chooseIds } from './ids.ts';
import { endKeeper, ensureKeeper, type Keeper } from './keeper.ts';

const why = 'The agent carries on as root of the user namespace.';
const SIGKILL = 9n;

/**
 * Runs the agent once more, as root of a user namespace of the user's, and resolves with its exit code when it has ended.
 * This process stays what was started: it hands signals on, and when it dies, so does the agent; containers never do.
 *
 * @param options.argv the agent's program and arguments.
 */
export async function runInUserns(options: {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly shim: string;
  readonly execRoot: string;
  readonly user: { readonly uid: number; readonly gid: number };
}): Promise<number> {
  const { execRoot, shim } = options;
  await mkdir(execRoot, { recursive: true, mode: 0o700 });
  const keeper = await keeperFor(options);
  const child = await becomeProgram(shim, { operations: enterSteps(keeper, options) }, { attached: true });
  child.ref();
  const handOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGTERM', handOn).on('SIGINT', handOn);
  const code = await exitOf(child);
  if (code === 0 && !(await hasContainers(execRoot))) await endKeeper(execRoot, keeper);
  return code;
}

async function keeperFor(options: Parameters<typeof runInUserns>[0]): Promise<Keeper> {
  const { execRoot, shim, user } = options;
  const lock = await takeProcessLock(execRoot, 'userns.lock');
  if (isHeld(lock)) throw beingStarted(lock.pid);
  try {
    return await ensureKeeper({ execRoot, shim, ids: await chooseIds(user) });
  } catch (failure) {
    throw failure instanceof PlanFailed && failure.step.operation.op === 'unshare' ? noUserns(failure) : failure;
  } finally {
    await lock.release();
  }
}

function enterSteps(keeper: Keeper, { argv, env }: Parameters<typeof runInUserns>[0]): Operation[] {
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

async function exitOf(child: ChildProcess): Promise<number> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode ?? 137;
}

/** True while a container runs, or has an end that the next agent is to learn of. */
async function hasContainers(execRoot: string): Promise<boolean> {
  const names = await readdir(join(execRoot, 'containers')).catch(() => []);
  return names.length > 0;
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
