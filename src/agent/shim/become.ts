import { constants } from 'node:os';
import { deferred } from '../../base/async.ts';
import type { Plan } from '../plan/operations.ts';
import { Connection } from './connection.ts';
import type { OperationResult } from './contract.ts';
import { encodeOperations } from './encode.ts';
import { shimVanished } from './errors.ts';
import { spawnShim } from './process.ts';
import { failureOf } from './start.ts';
import { type Frame, frame, frameHead, parseResults } from './wire.ts';

/** A program that a shim has become. */
export interface BecomeProgram {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Its exit code, 128 and the signal's number for one that a signal ended. Keeps our process alive while it is waited for. */
  exitCode(): Promise<number>;
}

/**
 * Runs a plan that ends in `exec` and has no spawn: the shim itself becomes the program. Resolves when it has.
 *
 * @param options.attached it has our standard streams and our session; else none, and a session of its own.
 * @param options.between called after the first operations, before the others, with the shim's pid: for what somebody
 *   else has to do to it meanwhile, such as newuidmap(1).
 * @throws PlanFailed
 */
export async function becomeProgram(
  path: string,
  plan: { readonly first?: Plan['operations']; readonly operations: Plan['operations'] },
  options: { readonly attached: boolean; readonly between?: (pid: number) => Promise<void> },
): Promise<BecomeProgram> {
  const { child, socket, ended } = spawnShim(path, { attached: options.attached });
  let unanswered = deferred<void>();
  let sent: Plan = { operations: [] };
  const results: OperationResult[] = [];
  const onFrame = ({ type, data }: Frame): void => {
    if (type === frame.result) results.push(...parseResults(data));
    if (type === frame.failed) unanswered.reject(failureOf(sent, data, results));
    if (type === frame.done) unanswered.resolve();
  };
  // The descriptor closes when the program is executed, and also when the shim dies; `ended` tells which.
  const closed = deferred<void>();
  const connection = new Connection(socket, { onFrame, onClose: () => closed.resolve() });
  const send = async (operations: Plan['operations']): Promise<void> => {
    sent = { operations };
    unanswered = deferred<void>();
    const encoded = encodeOperations(operations);
    void connection.send(frameHead(frame.ops, encoded.length), encoded);
    await Promise.race([unanswered.promise, closed.promise]);
  };
  try {
    await send(plan.first ?? []);
    await options.between?.(child.pid ?? 0);
    await send(plan.operations);
    await closed.promise;
    // One that was killed on the way has closed it too, and is a zombie until we hear of it.
    if (child.exitCode !== null || child.signalCode !== null)
      throw (await ended()) ?? shimVanished('it became a program');
    return {
      pid: child.pid ?? 0,
      kill: (signal) => void child.kill(signal),
      exitCode: async () => {
        await ended();
        return child.exitCode ?? 128 + (child.signalCode === null ? 0 : constants.signals[child.signalCode]);
      },
    };
  } catch (failure) {
    child.kill('SIGKILL');
    connection.destroy();
    await ended();
    throw failure;
  }
}
