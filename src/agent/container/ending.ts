import type { Ending, EndingCause, StopPurpose } from '../../protocol/history.ts';
import type { ExitRecord } from '../shim/contract.ts';
import type { StoredRecord } from './record.ts';
import { SIGKILL } from './signals.ts';

/** What the engine did to end a container, as far as it did. */
export type EndingTry =
  | { readonly by: 'kill'; readonly signal: number }
  | { readonly by: StopPurpose; readonly signal: number; readonly graceOver?: number };

/**
 * Why a life ended, from what its shim saw, what the kernel counted and what the engine did. Pure.
 *
 * @param facts.tried the last thing that the engine did to end it. @param facts.isLost nobody saw the end.
 */
export function endingOf(
  record: StoredRecord,
  exit: ExitRecord,
  facts: { readonly kills: number; readonly tried: EndingTry | undefined; readonly isLost: boolean },
): Ending {
  const { kills } = facts;
  const limit = record.hostConfig.Memory ?? 0;
  const peak = peakOf(record, exit);
  const { health } = record.state;
  return {
    exitCode: exit.exitCode,
    ...(exit.signal === undefined ? {} : { signal: exit.signal }),
    cause: causeOf(exit, facts),
    ...(kills > 0
      ? { outOfMemory: { kills, ...(limit > 0 ? { limit } : {}), ...(peak === undefined ? {} : { peak }) } }
      : {}),
    ...(health ? { health: health.status } : {}),
  };
}

function causeOf(
  exit: ExitRecord,
  { kills, tried, isLost }: { readonly kills: number; readonly tried: EndingTry | undefined; readonly isLost: boolean },
): EndingCause {
  if (isLost) return { kind: 'supervisor-lost' };
  if (tried && tried.by !== 'kill') {
    const { by, signal, graceOver: seconds } = tried;
    if (seconds !== undefined && exit.signal === SIGKILL) return { kind: 'grace-over', by, signal, seconds };
    return { kind: 'stopped', by, signal };
  }
  // An init, ours or another, ends with 128 + the signal of the program that it ran.
  if (tried && exit.exitCode === 128 + tried.signal) return { kind: 'killed', signal: tried.signal };
  if (kills > 0 && exit.exitCode === 128 + SIGKILL) return { kind: 'out-of-memory' };
  return exit.signal === undefined ? { kind: 'exited' } : { kind: 'signal', signal: exit.signal };
}

/** Bytes; undefined where the kernel did not tell. */
function peakOf(record: StoredRecord, exit: ExitRecord): number | undefined {
  const ids = record.after.filter(({ path }) => /memory\.(max_usage_in_bytes|peak)$/.test(path)).map(({ id }) => id);
  const text =
    exit.after
      .find(({ id }) => ids.includes(id))
      ?.data?.toString('latin1')
      .trim() ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
