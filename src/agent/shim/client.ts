import type { Plan } from '../plan/operations.ts';
import { connectToShim } from './connect.ts';
import type { Executor, Shims, StartedShim, StartOptions } from './contract.ts';
import { ShimExecutor } from './executor.ts';
import { readRecord } from './record.ts';
import { startShim } from './start.ts';

/** @param path the shim's binary for this CPU. */
export function createShims({ path }: { path: string }): Shims {
  return {
    path,
    start: (plan: Plan, options: StartOptions): Promise<StartedShim> => startShim(path, plan, options),
    connect: connectToShim,
    execute: (): Executor => new ShimExecutor(path),
    readRecord,
  };
}
