import type { CgroupReading } from '../../src/protocol/usage.ts';

/** One moment of the charts. Absent: that controller gave no reading. */
export interface Sample {
  /** Seconds since the epoch. */
  readonly at: number;
  /** Percent of one CPU since the reading before; absent on the first. */
  readonly cpu?: number;
  /** Bytes. */
  readonly memory?: number;
  readonly pids?: number;
}

/** The last readings as samples, oldest first. Readings that come out of order or twice are dropped. */
export class Series {
  readonly #keep: number;
  #before: CgroupReading | undefined;
  #samples: Sample[] = [];

  /** @param keep how many samples stay: five minutes of one per second. */
  constructor(keep = 300) {
    this.#keep = keep;
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  add(reading: CgroupReading): void {
    if (this.#before && reading.at <= this.#before.at) return;
    const cpu = cpuPercent(this.#before, reading);
    this.#samples = [
      ...this.#samples.slice(-(this.#keep - 1)),
      {
        at: reading.at / 1000,
        ...(cpu === undefined ? {} : { cpu }),
        ...(reading.memory ? { memory: reading.memory.current } : {}),
        ...(reading.pids ? { pids: reading.pids.current } : {}),
      },
    ];
    this.#before = reading;
  }

  /** One column of the charts; null where a sample has no value. */
  column(name: 'cpu' | 'memory' | 'pids'): (number | null)[] {
    return this.#samples.map((sample) => sample[name] ?? null);
  }
}

/** CPU time used over the time passed, in percent of one CPU. A container that was started anew counts from zero: no value then. */
export function cpuPercent(before: CgroupReading | undefined, now: CgroupReading): number | undefined {
  if (!before?.cpu || !now.cpu) return undefined;
  const passed = (now.at - before.at) * 1_000_000;
  const used = now.cpu.usage - before.cpu.usage;
  if (passed <= 0 || used < 0) return undefined;
  return (used / passed) * 100;
}
