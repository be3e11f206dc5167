import { type Phrase, phrase } from '../../base/phrases.ts';
import type { CgroupReading } from '../../protocol/usage.ts';
import type { TypedLimits } from '../../protocol/usage-page.ts';
import { parseCount, parseCpus, parseMemory } from '../typed-limits.ts';

/** What of `POST /containers/{id}/update` a person changes by hand. */
export interface LimitChange {
  readonly NanoCpus?: number;
  readonly Memory?: number;
  readonly MemorySwap?: number;
  readonly MemoryReservation?: number;
  readonly PidsLimit?: number;
  readonly CpuShares?: number;
  readonly CpusetCpus?: string;
}

export type ChangeOrProblem = { readonly change: LimitChange } | { readonly problem: Phrase };

/**
 * Typed limits as the engine takes them. Pure. Engines count memory and swap together where people think of each: a new
 * limit of memory leaves what was allowed of swap as it was.
 *
 * @param now what is in force; absent when the container does not run
 */
export function changeOf(typed: TypedLimits, now: CgroupReading | undefined): ChangeOrProblem {
  const cpus = typed.cpus === undefined ? undefined : parseCpus(typed.cpus);
  if (typed.cpus !== undefined && !cpus) return { problem: phrase('CPUs are a number such as 1.5.') };
  const [memory, reservation] = [typed.memory, typed.reservation].map(sizeOf);
  for (const [text, size] of [
    [typed.memory, memory],
    [typed.reservation, reservation],
  ] as const) {
    if (text !== undefined && !size) return { problem: phrase('“{0}” is no size such as 64m or 1.5g.', text) };
  }
  const pids = typed.pids === undefined ? undefined : parseCount(typed.pids);
  if (typed.pids !== undefined && pids === undefined) return { problem: phrase('PIDs are a whole number.') };
  const shares = typed.shares === undefined ? undefined : parseCount(typed.shares);
  if (typed.shares !== undefined && !shares) return { problem: phrase('Shares are a whole number from 2 to 262144.') };
  const swap = swapOf(typed, { memory, now });
  if (typeof swap === 'object') return { problem: swap };
  return {
    change: {
      ...(cpus !== undefined && { NanoCpus: cpus }),
      ...(memory !== undefined && { Memory: memory }),
      ...(swap !== undefined && { MemorySwap: swap }),
      ...(reservation !== undefined && { MemoryReservation: reservation }),
      ...(pids !== undefined && { PidsLimit: pids }),
      ...(shares !== undefined && { CpuShares: shares }),
      ...(typed.cpuset && { CpusetCpus: typed.cpuset.trim() }),
    },
  };
}

const sizeOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : parseMemory(text));

/** Memory and swap together, as engines take it; -1: as much swap as there is. */
function swapOf(
  typed: TypedLimits,
  { memory, now }: { readonly memory: number | undefined; readonly now: CgroupReading | undefined },
): number | undefined | Phrase {
  const limit = memory ?? now?.memory?.limit;
  const allowed = now?.limits?.memory?.swap;
  if (typed.swap === undefined) {
    return memory !== undefined && allowed !== undefined ? memory + allowed : undefined;
  }
  if (typed.swap.trim() === '') return -1;
  const swap = parseMemory(typed.swap);
  if (swap === undefined) return phrase('“{0}” is no size such as 64m or 1.5g.', typed.swap);
  return limit === undefined ? phrase('Swap can only be limited where memory is.') : limit + swap;
}
