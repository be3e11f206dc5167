import type { CgroupReading, Pressure } from '../../protocol/usage.ts';
import { readIfThere } from '../sys/files.ts';
import { optional } from './file-reader.ts';

/**
 * Pressure stall information: of a v2 cgroup (files `cpu.pressure`) or of the whole machine (`/proc/pressure/cpu`).
 * Undefined where the kernel keeps none (psi=0).
 */
export async function pressureIn(directory: string, suffix: '' | '.pressure'): Promise<CgroupReading['pressure']> {
  const kinds = ['cpu', 'memory', 'io'] as const;
  const pressure: Partial<Record<(typeof kinds)[number], Pressure>> = {};
  await Promise.all(
    kinds.map(async (kind) => {
      const parsed = parsePressure(await readIfThere(`${directory}/${kind}${suffix}`));
      if (parsed !== undefined) pressure[kind] = parsed;
    }),
  );
  return Object.keys(pressure).length === 0 ? undefined : pressure;
}

function parsePressure(text: string | undefined): Pressure | undefined {
  const lines = new Map<string, Pressure['some']>();
  for (const line of (text ?? '').split('\n')) {
    const match = /^(some|full) avg10=([\d.]+) avg60=([\d.]+) avg300=[\d.]+ total=(\d+)/.exec(line);
    if (match === null) continue;
    lines.set(match[1] ?? '', { avg10: Number(match[2]), avg60: Number(match[3]), total: Number(match[4]) });
  }
  const [some, full] = [lines.get('some'), lines.get('full')];
  return some === undefined ? undefined : { some, ...optional('full', full) };
}
