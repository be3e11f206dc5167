import { readFile } from 'node:fs/promises';
import { errnoOf } from '../../base/errors.ts';
import type { Plan } from '../plan/operations.ts';
import { connectToShim } from './connect.ts';
import type { Executor, ExitRecord, Shims, StartedShim, StartOptions } from './contract.ts';
import { ShimExecutor } from './executor.ts';
import { startShim } from './start.ts';
import { parseRecord } from './wire.ts';

/** @param path the shim's binary for this CPU. */
export function createShims({ path }: { path: string }): Shims {
  return {
    start: (plan: Plan, options: StartOptions): Promise<StartedShim> => startShim(path, plan, options),
    connect: connectToShim,
    execute: (): Executor => new ShimExecutor(path),
    readRecord,
  };
}

export async function readRecord(path: string): Promise<ExitRecord | undefined> {
  try {
    return parseRecord(await readFile(path), path);
  } catch (failure) {
    if (errnoOf(failure) === 'ENOENT') return undefined;
    throw failure;
  }
}
