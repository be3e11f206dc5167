import { formatMemory, formatPercent } from '../../base/units.ts';
import type { LiveUsages } from '../../protocol/live-usage.ts';
import type { CgroupReading } from '../../protocol/usage.ts';

type Usage = LiveUsages[number];

/** Turns readings of containers into what is new about them: CPU use lies between two of them. */
export class UsageNews {
  #before = new Map<string, CgroupReading>();
  /** In words, since nobody sees a smaller difference. */
  readonly #told = new Map<string, string>();

  /** @param readings of all running containers by their ids, a moment after the last ones. */
  of(readings: ReadonlyMap<string, CgroupReading>): Usage[] {
    const news: Usage[] = [];
    for (const [id, reading] of readings) {
      const usage = usageOf(id, reading, this.#before.get(id));
      if (!usage) continue;
      const words = `${formatPercent(usage.cpuPercent)} ${formatMemory(usage.memory)}`;
      if (this.#told.get(id) === words) continue;
      this.#told.set(id, words);
      news.push(usage);
    }
    for (const id of this.#told.keys()) if (!readings.has(id)) this.#told.delete(id);
    this.#before = new Map(readings);
    return news;
  }
}

/** Nothing before there are two readings. */
function usageOf(id: string, now: CgroupReading, before: CgroupReading | undefined): Usage | undefined {
  const elapsed = before ? (now.at - before.at) * 1e6 : 0;
  if (!now.memory || !now.cpu || !before?.cpu || elapsed <= 0) return undefined;
  const { current, inactiveFile, limit } = now.memory;
  return {
    id,
    cpuPercent: Math.max(0, ((now.cpu.usage - before.cpu.usage) / elapsed) * 100),
    memory: Math.max(0, current - inactiveFile),
    ...(limit !== undefined && { memoryLimit: limit }),
  };
}
