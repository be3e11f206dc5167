import { deferred } from '../../base/async.ts';
import { canceled } from '../../base/errors.ts';
import { type Plan, steps } from '../plan/operations.ts';
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
  // The connection's handlers live as long as the process. The plan, which is large, must not.
  let starting: { readonly plan: Plan; readonly results: Buffer[] } | undefined = { plan, results: [] };
  let live: LiveShim | undefined;
  const recordPath = recordOf(plan);

  const onFrame = ({ type, data }: Frame): void | Promise<void> => {
    if (live) return live.handle({ type, data });
    if (!starting) return;
    if (type === frame.result) starting.results.push(data);
    if (type === frame.failed) {
      started.reject(
        failureOf(
          starting.plan,
          data,
          starting.results.flatMap((part) => parseResults(part)),
        ),
      );
    }
    if (type !== frame.started) return;
    live = new LiveShim(connection, {
      ...parseStarted(data),
      shimPid: child.pid ?? 0,
      results: Buffer.concat(starting.results),
      subscribers,
      findRecord: () => (recordPath === undefined ? Promise.resolve(undefined) : readRecord(recordPath)),
    });
    starting = undefined;
    started.resolve(live);
  };
  const onClose = (): void => {
    if (live) live.closed();
    else void ended().then((failure) => started.reject(failure ?? shimVanished('it carried out a plan')));
  };
  const connection = new Connection(socket, { onFrame, onClose });
  const subscribe = onOutput ? [frameOf(frame.subscribe, 1)] : [];
  void connection.send(...subscribe, frameHead(frame.ops, encoded.length), encoded);

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

function recordOf({ operations }: Plan): string | undefined {
  for (const operation of operations) if (operation.op === 'record' || operation.op === 'note') return operation.path;
  return undefined;
}

/** The error that a `failed` frame means. Later results of the same shim are those of its clean-up. */
export function failureOf(plan: Plan, data: Buffer, results: readonly OperationResult[]): Error {
  const id = data.readUInt32LE(0);
  const step = steps(plan).find((candidate) => candidate.id === id);
  if (!step) return shimVanished(`it ran an operation ${id} that is not of the plan`);
  return new PlanFailed(step, { errno: data.readUInt32LE(4), waitStatus: data.readUInt32LE(8), results });
}
