import type { Plan } from '../plan/operations.ts';
import { connectToShim } from './connect.ts';
import type { Executor, Shims, StartedShim, StartOptions } from './contract.ts';
import { ShimExecutor } from './executor.ts';
import { spawnShim } from './process.ts';
import { readRecord } from './record.ts';
import { SpareShims } from './spare.ts';
import { startShim } from './start.ts';

/**
 * @param options.path the shim's binary for this CPU.
 * @param options.spares shims are kept ready; an engine that is to leave nothing behind at any moment has none.
 */
export function createShims({ path, spares = false }: { path: string; spares?: boolean }): Shims {
  const spare = spares ? new SpareShims(path) : undefined;
  const take = () => spare?.take() ?? spawnShim(path);
  return {
    path,
    start: (plan: Plan, options: StartOptions): Promise<StartedShim> => startShim(take, plan, options),
    connect: connectToShim,
    execute: (): Executor => new ShimExecutor(take()),
    readRecord,
    close: async () => spare?.close(),
  };
}
