import { readFile } from 'node:fs/promises';
import { median } from './measure.ts';
import type { Place, Places } from './places.ts';
import type { Row } from './rows.ts';

/** Resident and proportional memory of a process in KiB, from `/proc/PID/smaps_rollup`. */
export async function memoryOf(pid: number): Promise<{ rss: number; pss: number }> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { rss: field('Rss'), pss: field('Pss') };
}

/** The pid of a process's parent. */
export async function parentOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** What stands beside one running container: the parent of its initial process, the median of five. */
export async function supervisorRows(places: Places): Promise<Row[]> {
  const [ours, theirs] = [await supervisor(places.ours, places.image), await supervisor(places.theirs, places.image)];
  const whose = 'containerd-shim';
  return [
    { what: 'process beside a container, RSS', unit: 'KiB', ours: ours.rss, other: { figure: theirs.rss, whose } },
    { what: 'process beside a container, PSS', unit: 'KiB', ours: ours.pss, other: { figure: theirs.pss, whose } },
  ];
}

async function supervisor({ api }: Place, image: string): Promise<{ rss: number; pss: number }> {
  const found: { rss: number; pss: number }[] = [];
  const ids: string[] = [];
  try {
    while (found.length < 5) {
      const id = await api.create(image, ['sleep', '100000']);
      ids.push(id);
      await api.start(id);
      const { State } = JSON.parse(await api.call('GET', `/containers/${id}/json`));
      found.push(await memoryOf(await parentOf(Number(State.Pid))));
    }
  } finally {
    for (const id of ids) await api.remove(id);
  }
  return { rss: median(found.map(({ rss }) => rss)), pss: median(found.map(({ pss }) => pss)) };
}
