import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { distDir } from '../../../scripts/paths.ts';
import { memoryOf } from '../memory.ts';
import type { Row } from '../rows.ts';
import type { Window } from './window.ts';

const goals = { memory: { most: 150 }, bundle: { most: 1.5 * 1024 } } as const;
/** Milliseconds. */
const idle = 10_000;

/** What an extension host takes. Memory in MiB. */
export interface HostFigures {
  readonly rss: number;
  readonly heap: number;
  /** Milliseconds of CPU in ten seconds in which nothing happens. */
  readonly cpu: number;
  /** The same of the agent. */
  readonly agentCpu: number;
}

export async function hostFigures({ ask }: Window, agentPid: number): Promise<HostFigures> {
  // The second time, after what the first collected.
  await ask('process');
  await delay(2_000);
  const { pid, heapUsed } = await ask('process');
  const before = [await cpuMs(pid), await cpuMs(agentPid)] as const;
  await delay(idle);
  const [cpu, agentCpu] = [(await cpuMs(pid)) - before[0], (await cpuMs(agentPid)) - before[1]];
  const { rss } = await memoryOf(pid);
  return { rss: rss / 1024, heap: heapUsed / 1024 / 1024, cpu, agentCpu };
}

/** Processor time of a process until now, in milliseconds; its kernel counts hundredths of a second, see proc_pid_stat(5). */
export async function cpuMs(pid: number): Promise<number> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * (1000 / (await ticks()));
}

const ticks = async (): Promise<number> => Number((await promisify(execFile)('getconf', ['CLK_TCK'])).stdout);

/** Of a full host, its rows on the screen, beside an extension host that has no Porthole in it. */
export function hostRows(ours: HostFigures, without: HostFigures, hidden: HostFigures): Row[] {
  const whose = 'without Porthole';
  return [
    {
      ...{ what: 'extension host, RSS', unit: 'MiB', ours: ours.rss, goal: goals.memory },
      other: { figure: without.rss, whose },
    },
    { what: '  what Porthole adds', unit: 'MiB', ours: ours.rss - without.rss },
    {
      ...{ what: '  heap in use after a collection', unit: 'MiB', ours: ours.heap },
      other: { figure: without.heap, whose },
    },
    {
      ...{ what: 'extension host, CPU in 10 s, nothing happens, nobody looks', unit: 'ms', ours: hidden.cpu },
      ...{ other: { figure: without.cpu, whose }, goal: { most: without.cpu + 20 } },
    },
    {
      ...{ what: '  the same with the tree on the screen, 50 containers sleeping', unit: 'ms', ours: ours.cpu },
      ...{ other: { figure: without.cpu, whose }, goal: { most: without.cpu + 20 } },
    },
    { what: '  the agent meanwhile', unit: 'ms', ours: ours.agentCpu },
  ];
}

/** What is shipped of the extension but the agent; source maps are for those who debug it. */
export async function bundleRow(): Promise<Row> {
  const webview = join(distDir, 'webview');
  const pages = (await readdir(webview)).map((name) => join(webview, name));
  const files = [join(distDir, 'extension.cjs'), ...pages].filter((path) => !path.endsWith('.map'));
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return { what: 'bundle without the agent', unit: 'KiB', ours: total / 1024, goal: goals.bundle };
}
