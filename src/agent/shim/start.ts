import { deferred } from '../../base/async.ts';
import { canceled } from '../../base/errors.ts';
import { type Operation, type Plan, steps } from '../plan/operations.ts';
import { Connection } from './connection.ts';
import type { OnOutput, OperationResult, StartedShim, StartOptions } from './contract.ts';
import { encodeOperations } from './encode.ts';
import { PlanFailed, planTooLarge, shimVanished } from './errors.ts';
import { LiveShim } from './live.ts';
import type { ShimProcess } from './process.ts';
import { readRecord } from './record.ts';
import { type Frame, frame, frameHead, frameOf, parseResults, parseStarted, planLimit } from './wire.ts';

const sigkill = 9;

/** @param take gives a shim that has not been asked for anything yet. */
export async function startShim(take: () => ShimProcess, plan: Plan, options: StartOptions): Promise<StartedShim> {
  const { signal, onOutput } = options;
  const encoded = encodeOperations(plan.operations);
  if (encoded.length > planLimit) throw planTooLarge(encoded.length, planLimit);
  if (signal?.aborted) throw canceled('starting the process');

  const { child, socket, ended } = take();
  const subscribers = new Set<OnOutput>(onOutput ? [onOutput] : []);
  const started = deferred<LiveShim>();
  const results: OperationResult[] = [];
  let live: LiveShim | undefined;

  const onFrame = ({ type, data }: Frame): void | Promise<void> => {
    if (live) return live.handle({ type, data });
    if (type === frame.result) results.push(...parseResults(data));
    if (type === frame.failed) started.reject(failureOf(plan, data, results));
    if (type !== frame.started) return;
    live = new LiveShim(connection, {
      ...parseStarted(data),
      shimPid: child.pid ?? 0,
      results: results.sort((a, b) => a.id - b.id),
      subscribers,
      findRecord: () => findRecord(plan.operations),
    });
    started.resolve(live);
  };
  const onClose = (): void => {
    if (live) live.closed();
    else void ended().then((failure) => started.reject(failure ?? shimVanished('it carried out a plan')));
  };
  const connection = new Connection(socket, { onFrame, onClose });
  if (onOutput) void connection.send(frameOf(frame.subscribe, 1));
  void connection.send(frameHead(frame.ops, encoded.length), encoded);

  try {
    const shim = await started.promise;
    if (!signal?.aborted) return shim;
    shim.signal(sigkill);
    await shim.exited;
  } catch (failure) {
    connection.destroy();
    throw failure;
  }
  connection.destroy();
  throw canceled('starting the process');
}

/** The error that a `failed` frame means. Later results of the same shim are those of its clean-up. */
export function failureOf(plan: Plan, data: Buffer, results: readonly OperationResult[]): Error {
  const id = data.readUInt32LE(0);
  const step = steps(plan).find((candidate) => candidate.id === id);
  if (!step) return shimVanished(`it ran an operation ${id} that is not of the plan`);
  return new PlanFailed(step, { errno: data.readUInt32LE(4), waitStatus: data.readUInt32LE(8), results });
}

function findRecord(operations: readonly Operation[]): ReturnType<typeof readRecord> {
  const record = operations.find((operation) => operation.op === 'record');
  return record ? readRecord(record.path) : Promise.resolve(undefined);
}
