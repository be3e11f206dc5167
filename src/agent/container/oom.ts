import { setTimeout as delay } from 'node:timers/promises';
import { type OomReading, readOom } from '../cgroup/oom.ts';
import type { StartedShim } from '../shim/contract.ts';
import type { Container } from './container.ts';
import { announce, type Engine } from './engine.ts';

/**
 * Announces kills for lack of memory when they happen, one `oom` event per killed process. The kernel counts them; the
 * record tells how many of them were announced, so that an agent that comes later announces the others and none twice.
 * What is left at the end is announced with the exit.
 */
export function watchOom(engine: Engine, container: Container, shim: StartedShim): void {
  let told = 0;
  const look = async (): Promise<void> => {
    // What is told while we look may be of a kill that this look did not see.
    for (let seen = 0; seen !== told; ) {
      seen = told;
      await lookUntilNews(engine, container, shim);
    }
    told = 0;
  };
  const watch = shim.onMemory(() => {
    told++;
    if (told === 1) void look();
  });
  const stop = (): void => watch.dispose();
  shim.exited.then(stop, stop);
}

/** Milliseconds: cgroup v1 tells that memory ran out before it kills, so the count may move a little later. */
const patience = [0, 2, 10, 50, 200, 800];

async function lookUntilNews(engine: Engine, container: Container, shim: StartedShim): Promise<void> {
  for (const pause of patience) {
    await delay(pause, undefined, { ref: false });
    if (container.life?.shim !== shim || (await announceOom(engine, container))) return;
  }
}

/** Compares what the kernel counts with what was announced. True when there was news. */
export async function announceOom(engine: Engine, container: Container): Promise<boolean> {
  const reading = await readOom(engine.host.cgroup, container.record.cgroupPath).catch(() => undefined);
  if (!reading || !container.life || engine.closing.aborted) return false;
  const news = take(container, reading);
  if (news === 0) return false;
  // On disk first, so that the next agent announces nothing twice if this one dies now.
  await container.save().catch(() => undefined);
  for (let event = 0; event < news; event++) announce(engine, container, 'oom');
  return true;
}

/** Notes a reading in the record. The number of events that it is worth. */
function take(container: Container, { kills, waits }: OomReading): number {
  const known = container.record.oom;
  const events = Math.max(0, kills - known.kills) + (waits && !known.waits ? 1 : 0);
  if (kills > known.kills || waits !== known.waits) {
    const { state } = container.record;
    container.change({
      oom: { kills: Math.max(kills, known.kills), waits },
      state: { ...state, oomKilled: state.oomKilled || kills > 0 },
    });
  }
  return events;
}
