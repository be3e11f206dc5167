import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { type Exec, lostExecCode, watchExec } from './exec.ts';
import { execFiles, forgetExecFiles, type StoredExec, storedExecs } from './exec-files.ts';
import { OutputHub } from './output.ts';
import { SIGKILL } from './signals.ts';

/**
 * Learns which execs another agent has started: those that run go on, without a client, and the exit code of the others is
 * what their shims have written.
 * @param signal ends the wait for shims that do not answer; their execs count as running until they do.
 */
export async function adoptExecs(engine: Engine, container: Container, signal: AbortSignal): Promise<void> {
  const found = await storedExecs(container);
  const settled = Promise.all(found.map((stored) => adoptExec(engine, container, stored)));
  const late = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  await Promise.race([settled, late]);
}

async function adoptExec(engine: Engine, container: Container, stored: StoredExec): Promise<void> {
  const { id, options, isProbe } = stored;
  const exec: Exec = {
    id,
    container,
    options,
    isProbe,
    status: 'running',
    exitCode: undefined,
    pid: 0,
    shim: undefined,
  };
  if (!isProbe) {
    engine.execs.set(id, exec);
    container.execs.set(id, exec);
  }
  const { socket, record: recordPath } = execFiles(container, id);
  const shim = await engine.shims.connect(socket, { signal: engine.closing, recordPath }).catch(() => undefined);
  if (engine.closing.aborted) return shim?.disconnect();
  if (isProbe) {
    // The agent that could have judged it is gone, and so is its time limit.
    shim?.signal(SIGKILL);
    shim?.disconnect();
    await forgetExecFiles(container, id);
    return;
  }
  if (!shim) {
    const record = await engine.shims.readRecord(recordPath).catch(() => undefined);
    exec.status = 'ended';
    exec.exitCode = record?.exitCode ?? lostExecCode;
    return;
  }
  exec.pid = shim.pid;
  exec.shim = shim;
  // Whoever typed into it is gone, and nobody can come back to it.
  if (options.attachStdin) shim.closeStdin();
  watchExec(engine, exec, { shim, hub: new OutputHub() });
}
