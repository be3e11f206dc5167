import { readFile } from 'node:fs/promises';
import { docker } from '../conformance/engine.ts';
import { median, timed } from './measure.ts';
import { memoryOf, parentOf } from './memory.ts';
import { type Places, sideBySide } from './places.ts';
import type { Row } from './rows.ts';

const many = 1000;
const parallel = 200;
/** How many of the last starts stand for those among a thousand. */
const last = 50;

/** A thousand containers run at the same time: what one more costs, what a list costs, what they hold. */
export async function scaleRows({ ours: { api }, image, agentPid }: Places): Promise<Row[]> {
  const ids: string[] = [];
  try {
    const starts: number[] = [];
    for (let index = 0; index < many; index += 1) {
      const id = await api.create(image, ['sleep', '100000']);
      ids.push(id);
      starts.push(await timed(() => api.start(id)));
    }
    const lists: number[] = [];
    for (let round = 0; round < 15; round += 1) lists.push(await timed(() => api.call('GET', '/containers/json')));
    const { length } = JSON.parse(await api.call('GET', '/containers/json'));
    if (length !== many) throw new Error(`${length} containers run, not ${many}`);
    const shims = await Promise.all((await initPids(api, ids)).map(async (pid) => memoryOf(await parentOf(pid))));
    const agent = await memoryOf(agentPid);
    return [
      {
        what: `start p50, the last ${last} of ${many} running`,
        unit: 'ms',
        ours: median(starts.slice(-last)),
        other: { figure: median(starts.slice(0, 10)), whose: 'the first ten' },
        goal: { share: 1.3 },
      },
      { what: `list API, ${many} running, p50`, unit: 'ms', ours: median(lists), goal: { most: 30 } },
      {
        what: `largest shim of ${many}, RSS`,
        unit: 'KiB',
        ours: most(shims.map(({ rss }) => rss)),
        goal: { most: 1024 },
      },
      { what: 'median shim, PSS', unit: 'KiB', ours: median(shims.map(({ pss }) => pss)) },
      { what: `agent, ${many} running, RSS`, unit: 'MiB', ours: agent.rss / 1024, goal: { most: 150 } },
      { what: `agent, ${many} running, PSS`, unit: 'MiB', ours: agent.pss / 1024 },
    ];
  } finally {
    await sideBySide(ids.length, { width: 16 }, (index) => api.remove(ids[index] ?? ''));
  }
}

/** As many `docker run --rm` as fit, all begun at once. */
export async function parallelRows({ ours, image }: Places): Promise<Row[]> {
  let errors = 0;
  const took = await timed(() =>
    sideBySide(parallel, { width: parallel }, async (index) => {
      const text = `${index}`;
      const outcome = await docker(ours.engine, ['run', '--rm', '--net', 'none', image, 'echo', text], {
        timeoutMs: 120_000,
      }).catch((failure: unknown) => ({ code: -1, stdout: '', stderr: String(failure) }));
      if (outcome.code === 0 && outcome.stdout === `${text}\n`) return;
      errors += 1;
      console.error(`docker run ${index} of ${parallel}: ${outcome.code} ${outcome.stdout}${outcome.stderr}`);
    }),
  );
  const what = `${parallel} docker run --rm at once`;
  return [
    { what, unit: 'errors', ours: errors, goal: { most: 0 } },
    { what: `${what}, all of them`, unit: 's', ours: took / 1000 },
  ];
}

/** Pids of the containers' initial processes; nobody else's. */
async function initPids(api: Places['ours']['api'], ids: readonly string[]): Promise<number[]> {
  const pids = new Array<number>(ids.length);
  await sideBySide(ids.length, { width: 8 }, async (index) => {
    const { State } = JSON.parse(await api.call('GET', `/containers/${ids[index]}/json`));
    const pid: unknown = State?.Pid;
    if (typeof pid !== 'number' || (await readFile(`/proc/${pid}/comm`, 'utf8')).trim() !== 'sleep')
      throw new Error(`container ${ids[index]} has no initial process ${String(pid)}`);
    pids[index] = pid;
  });
  return pids;
}

const most = (numbers: readonly number[]): number => numbers.reduce((a, b) => Math.max(a, b), 0);
