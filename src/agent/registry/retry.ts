import { setTimeout as pause } from 'node:timers/promises';
import { canceled } from '../../base/errors.ts';
import { RegistryRefusal } from './answers.ts';
import { RegistryUnreachable } from './errors.ts';

export interface Retries {
  /** How often a task is tried in all. */
  readonly attempts: number;
  /** Milliseconds of a second, for tests that do not wait. */
  readonly second?: number;
}

/**
 * Tries a task again while its failure is one of the way or of a server that is busy, after 1, 2, 4... seconds.
 * @param options.gained says whether an attempt came further: then it does not count.
 * @param options.tell told each second how many are left.
 */
export async function retrying<T>(
  task: () => Promise<T>,
  options: Retries & {
    readonly signal: AbortSignal;
    tell(seconds: number): void;
    gained?(): boolean;
  },
): Promise<T> {
  for (let failures = 0; ; ) {
    try {
      return await task();
    } catch (failure) {
      if (options.signal.aborted) throw canceled('the transfer');
      failures = options.gained?.() ? 1 : failures + 1;
      if (!isPassing(failure) || failures >= options.attempts) throw failure;
      for (let left = Math.min(30, 2 ** (failures - 1)); left > 0; left--) {
        options.tell(left);
        await pause(options.second ?? 1000, undefined, { signal: options.signal }).catch(() => {
          throw canceled('the transfer');
        });
      }
    }
  }
}

function isPassing(failure: unknown): boolean {
  if (failure instanceof RegistryRefusal) return failure.status >= 500 || failure.status === 429;
  return failure instanceof RegistryUnreachable;
}

export const retryWords = (seconds: number): string => `Retrying in ${seconds} second${seconds === 1 ? '' : 's'}`;
