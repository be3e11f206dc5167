import { randomBytes } from 'node:crypto';
import { PortholeError } from '../../base/errors.ts';
import { capabilityNames, capabilitySets } from '../oci/capabilities.ts';
import type { Process, Spec } from '../oci/runtime.ts';
import { compileExec } from '../plan/compile.ts';
import type { StartedShim } from '../shim/contract.ts';
import { PlanFailed } from '../shim/errors.ts';
import { readJsonFile } from '../sys/durable.ts';
import { hasLivingChild } from '../sys/proc.ts';
import { specUser } from './accounts.ts';
import { specPath } from './bundle.ts';
import type { Container, Life } from './container.ts';
import type { AttachedStreams, ExecOptions, ExecRecord } from './contract.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { announce, type Engine } from './engine.ts';
import { execEnvironment } from './environment.ts';
import { conflict, invalid, isRestarting, noSuchExec, notRunning, pausedForExec, StartFailed } from './errors.ts';
import { execFiles, forgetExecFiles, keepExec } from './exec-files.ts';
import { startFailure } from './failure.ts';
import { type OutputClient, OutputHub } from './output.ts';
import { isOver } from './over.ts';
import { SIGKILL } from './signals.ts';
import { hasProcess } from './state.ts';
import { type StdinSink, StdioStream } from './stdio-stream.ts';
import { accountInside } from './users.ts';

/** One additional process of a container. */
export interface Exec {
  readonly id: string;
  readonly container: Container;
  readonly options: ExecOptions;
  /** Of a health check. */
  readonly isProbe: boolean;
  status: 'created' | 'starting' | 'running' | 'ended';
  exitCode: number | undefined;
  pid: number;
  shim: StartedShim | undefined;
}

export interface ExecStartOptions {
  readonly detach: boolean;
  readonly tty: boolean;
  readonly size?: { readonly rows: number; readonly columns: number };
  /** Who takes the output, instead of a stream for a client. */
  readonly into?: OutputClient;
}

/** Ended execs that a container keeps for `exec inspect`; older ones are forgotten. */
const keptEnded = 64;
/** So many of them the next agent knows too. */
const keptOnDisk = 16;
/** Execs that wait to be started: a client that only creates them must not fill the memory. */
const keptCreated = 1024;

/** @param from.given how the user named the container. */
export function createExec(
  engine: Engine,
  container: Container,
  options: ExecOptions,
  from: { readonly given: string; readonly isProbe?: boolean },
): Exec {
  checkRunning(container, from.given);
  if (options.argv.length === 0) throw invalid('No exec command specified');
  if (options.detachKeys) parseDetachKeys(options.detachKeys, 'escape');
  const exec: Exec = {
    id: randomBytes(32).toString('hex'),
    container,
    options,
    isProbe: from.isProbe ?? false,
    status: 'created',
    exitCode: undefined,
    pid: 0,
    shim: undefined,
  };
  engine.execs.set(exec.id, exec);
  container.execs.set(exec.id, exec);
  forgetOldest(engine, container);
  announce(engine, container, `exec_create: ${commandOf(options)}`, { execID: exec.id });
  return exec;
}

export function findExec(engine: Engine, id: string): Exec {
  const exec = engine.execs.get(id);
  if (!exec) throw noSuchExec(id);
  return exec;
}

export function execRecord(exec: Exec): ExecRecord {
  return {
    id: exec.id,
    containerId: exec.container.id,
    options: exec.options,
    running: exec.status === 'running',
    ...(exec.exitCode === undefined ? {} : { exitCode: exec.exitCode }),
    pid: exec.pid,
  };
}

/** Runs the program; resolves when it runs. @throws StartFailed in Docker's words, with the exit code in the record. */
export async function startExec(
  engine: Engine,
  exec: Exec,
  options: ExecStartOptions,
): Promise<AttachedStreams | undefined> {
  const { container } = exec;
  if (exec.status === 'running' || exec.status === 'starting') {
    throw conflict(`Error: Exec command ${exec.id} is already running`);
  }
  if (exec.status === 'ended') throw conflict(`Error: Exec command ${exec.id} has already run`);
  checkRunning(container, container.id);
  exec.status = 'starting';
  announce(engine, container, `exec_start: ${commandOf(exec.options)}`, { execID: exec.id });
  const hub = new OutputHub();
  const stream = options.detach || options.into ? undefined : openStream(engine, exec, hub);
  const client = options.into ?? stream;
  if (client) hub.add(client);
  const { life } = container;
  let shim: StartedShim;
  try {
    const start = async () => {
      const input = await planInput(engine, exec, { ...options, stdin: stream?.takesInput ?? false });
      const starting = engine.shims.start(compileExec(...input), client ? { onOutput: hub.deliver } : {});
      keepStarted(exec, starting);
      return await starting;
    };
    shim = await start().catch((failure: unknown) => {
      if (!isStale(failure)) throw failure;
      container.accounts = undefined;
      return start();
    });
  } catch (thrown) {
    const failure = await failureOf(engine, exec, { thrown, life });
    void forgetExecFiles(container, exec.id);
    exec.status = 'ended';
    // 128 is what a container's state shows; an exec that could not begin for another reason shows 126.
    exec.exitCode = failure instanceof StartFailed && failure.exitCode !== 128 ? failure.exitCode : 126;
    hub.end();
    throw failure;
  }
  const { pid, shimPid } = shim;
  exec.shim = shim;
  exec.status = 'running';
  exec.pid = pid;
  hub.begin(() => ({ dispose: () => undefined }), {
    subscribed: true,
    isDead: async () => !(await hasLivingChild(shimPid, pid)),
  });
  watchExec(engine, exec, { shim, hub });
  return stream ? { tty: exec.options.tty, duplex: stream } : undefined;
}

/** Writes down that it was started, while its shim does so: nobody has been told before both are done. */
function keepStarted({ id, container, options, isProbe }: Exec, starting: Promise<StartedShim>): void {
  try {
    keepExec(container, { id, options, startedAt: Date.now(), isProbe });
  } catch (failure) {
    starting.then((shim) => shim.signal(SIGKILL)).catch(() => undefined);
    throw failure;
  }
}

/** What its start failed for. A container that ends or goes meanwhile is the reason, whatever step it showed at. */
async function failureOf(
  engine: Engine,
  { container, id }: Exec,
  { thrown, life }: { readonly thrown: unknown; readonly life: Life | undefined },
): Promise<PortholeError> {
  const failure = startFailure(thrown, 'exec');
  const isProgram = failure.exitCode !== 128;
  if (!isProgram && life && (await isOver(container, life)))
    return engine.registry.has(container) ? notRunning(container.id) : noSuchExec(id);
  return failure;
}

/** Exit code of an exec whose end nobody saw. */
export const lostExecCode = 137;

/** Notes the end of an exec that runs. */
export function watchExec(
  engine: Engine,
  exec: Exec,
  { shim, hub }: { readonly shim: StartedShim; readonly hub: OutputHub },
): void {
  shim.exited.then(
    (exit) => ended(engine, exec, { hub, exitCode: exit.exitCode }),
    () => ended(engine, exec, { hub, exitCode: lostExecCode }),
  );
}

function ended(engine: Engine, exec: Exec, end: { readonly hub: OutputHub; readonly exitCode: number }): void {
  // An agent that leaves lets go of it: it runs, and the next one tells how it ends.
  if (engine.closing.aborted) {
    end.hub.end();
    return;
  }
  exec.status = 'ended';
  exec.exitCode = end.exitCode;
  end.hub.end();
  announce(engine, exec.container, 'exec_die', { execID: exec.id, exitCode: String(end.exitCode) });
  // Nobody waits for what is left to do, and the client does for its end.
  setImmediate(() => {
    exec.shim?.disconnect();
    exec.shim = undefined;
    forgetOldFiles(exec.container);
  });
}

/** The one that has just become too old: the others before it are gone already. */
function forgetOldFiles(container: Container): void {
  const ended = [...container.execs.values()].filter(({ status }) => status === 'ended');
  const old = ended.at(-keptOnDisk - 1);
  if (old) void forgetExecFiles(container, old.id);
}

function openStream(engine: Engine, exec: Exec, hub: OutputHub): StdioStream {
  const { options } = exec;
  const stdin: StdinSink = {
    write: async (data) => exec.shim?.write(data),
    end: () => {
      if (!options.tty) exec.shim?.closeStdin();
    },
  };
  const stream = new StdioStream({
    tty: options.tty,
    stdout: options.attachStdout,
    stderr: options.attachStderr,
    ...(options.attachStdin ? { stdin } : {}),
    ...(options.detachKeys ? { detachKeys: options.detachKeys } : {}),
    onDetach: () => {
      hub.remove(stream);
      announce(engine, exec.container, 'exec_detach', { execID: exec.id });
    },
    onClose: () => hub.remove(stream),
  });
  return stream;
}

async function planInput(
  engine: Engine,
  exec: Exec,
  options: ExecStartOptions & { readonly stdin: boolean },
): Promise<Parameters<typeof compileExec>> {
  const { container } = exec;
  // An agent that has just begun may not have it yet.
  if (!container.life) await engine.locks.run(container.id, async () => undefined);
  const { life } = container;
  if (!life) throw container.unreachable ?? notRunning(container.id);
  const [spec, { account, madeFrom }] = await Promise.all([
    specOf(container),
    accountInside(engine, container, {
      user: exec.options.user || (container.record.config.User ?? ''),
      pid: life.pid,
    }),
  ]);
  const user = specUser(account);
  const all = capabilityNames.filter((name) => engine.available.has(name));
  const allowed = exec.options.privileged ? all : (spec.process.capabilities?.bounding ?? []);
  const { workingDir } = exec.options;
  if (workingDir && !workingDir.startsWith('/')) {
    throw invalid('OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown');
  }
  const { consoleSize: _size, ...base } = spec.process;
  const size = options.size ?? exec.options.size;
  const process: Process = {
    ...base,
    args: exec.options.argv,
    env: execEnvironment(container.record.config, { ...exec.options, home: account.home }),
    cwd: workingDir || spec.process.cwd,
    user,
    terminal: exec.options.tty,
    capabilities: capabilitySets(allowed, user),
    ...(size ? { consoleSize: { height: size.rows, width: size.columns } } : {}),
  };
  const running = {
    pid: life.pid,
    startTicks: BigInt(container.record.startTicks || '0'),
    spec,
    id: container.id,
  };
  const { socket, record } = execFiles(container, exec.id);
  return [process, { host: engine.host, container: running, stdin: options.stdin, madeFrom, socket, record }];
}

/** The user was found in files that have changed since: it is to be looked up again. */
const isStale = (failure: unknown): boolean =>
  failure instanceof PlanFailed && failure.step.operation.op === 'unchanged' && failure.errnoName === 'ESTALE';

/** The spec that the running life was started with. */
export async function specOf(container: Container): Promise<Spec> {
  const known = container.spec?.deref();
  if (known) return known;
  const found = await readJsonFile(specPath(container.directory));
  if (!isSpec(found)) throw new PortholeError('internal', `${specPath(container.directory)} is missing or damaged`);
  container.spec = new WeakRef(found);
  return found;
}

/** Only this engine writes it, in one piece. */
function isSpec(value: unknown): value is Spec {
  return typeof value === 'object' && value !== null && 'process' in value && 'linux' in value;
}

function checkRunning(container: Container, given: string): void {
  const { status } = container.record.state;
  if (status === 'paused') throw pausedForExec(given);
  if (status === 'restarting') throw isRestarting(container.id);
  if (!hasProcess(status)) throw notRunning(container.id);
}

/** As dockerd's events show it: the program, a space, the arguments. */
function commandOf(options: ExecOptions): string {
  const [program = '', ...rest] = options.argv;
  return `${program} ${rest.join(' ')}`;
}

function forgetOldest(engine: Engine, container: Container): void {
  if (container.execs.size <= keptEnded) return;
  const all = [...container.execs.values()];
  const of = (status: Exec['status']) => all.filter((exec) => exec.status === status);
  for (const exec of [...of('ended').slice(0, -keptEnded), ...of('created').slice(0, -keptCreated)]) {
    container.execs.delete(exec.id);
    engine.execs.delete(exec.id);
  }
}
