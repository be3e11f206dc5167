import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { type LocalAgent, pidAt, startLocalAgent } from '../../scripts/local-agent.ts';
import { busyboxTar, docker } from '../conformance/engine.ts';
import { type Dockerd, startDockerd } from '../support/dockerd.ts';
import { missing } from '../support/tools.ts';
import { Api } from './api.ts';
import { execRow, startRows } from './api-rows.ts';
import { buildRows } from './build-rows.ts';
import { commandRows } from './command-rows.ts';
import { editorRows } from './explorer/editor-rows.ts';
import { explorerRows } from './explorer/rows.ts';
import { supervisorRows } from './memory.ts';
import type { Places } from './places.ts';
import { isMet, type Row, table } from './rows.ts';
import { parallelRows, scaleRows } from './scale-rows.ts';
import { storeRows } from './store-rows.ts';

const image = 'bench/busybox:1';

/** Measures and prints; resolves with whether every goal was met. @param only names of groups; none: all of them */
export async function bench(only: readonly string[] = []): Promise<boolean> {
  const ours = ['chromium', 'sshd'];
  const theirs = ['docker', 'dockerd', 'runc', 'busybox', 'docker-registry', 'skopeo', 'umoci'];
  const reason = missing({ root: true, programs: [...ours, ...theirs] });
  if (reason !== undefined) throw new Error(`The bench ${reason}`);
  // Where dockerd's data lie too: the same disk for both.
  const dir = await mkdtemp('/var/tmp/porthole-bench-');
  const execRoot = join(dir, 'exec');
  const interruption = interrupted();
  let measuring: Promise<Row[]> | undefined;
  let agent: LocalAgent | undefined;
  let dockerd: Dockerd | undefined;
  try {
    agent = await startLocalAgent({ dataRoot: join(dir, 'data'), execRoot, socket: join(execRoot, 's') });
    dockerd = await startDockerd();
    const { signal } = interruption;
    const { places: agentPlaces } = agent;
    const places = { ...placesOf(agent, dockerd), agentPid: await pidAt(agent.places.socket), signal };
    const tar = await busyboxTar();
    for (const { engine } of [places.ours, places.theirs]) await docker(engine, ['import', '-', image], { input: tar });
    const groups: Readonly<Record<string, () => Promise<Row[]>>> = {
      commands: () => commandRows(places),
      start: () => startRows(places, { dir: join(dir, 'runc'), tar }),
      exec: async () => [await execRow(places)],
      build: () => buildRows(places),
      memory: () => supervisorRows(places),
      parallel: () => parallelRows(places),
      thousand: () => scaleRows(places),
      images: () => storeRows(places, { dir }),
      explorer: () => explorerRows(places, { dir, agent: agentPlaces }),
      editors: () => editorRows(places, { dir, agent: agentPlaces }),
    };
    const unknown = only.filter((name) => !(name in groups));
    if (unknown.length > 0)
      throw new Error(`no group ${unknown.join(', ')}: there are ${Object.keys(groups).join(', ')}`);
    const chosen = Object.entries(groups).filter(([name]) => only.length === 0 || only.includes(name));
    const rows: Row[] = [];
    for (const [name, measure] of chosen) {
      measuring = measured(name, measure);
      rows.push(...(await Promise.race([measuring, interruption.ends])));
    }
    for (const { api } of [places.ours, places.theirs]) api.close();
    console.log(`\nLinux ${release()}, ${cpus().length} CPUs, Node ${process.version}, load ${await load()}\n`);
    for (const line of table(rows)) console.log(line);
    return rows.every(isMet);
  } finally {
    const ended = await Promise.allSettled([dockerd?.stop(), agent?.stop({ containers: 'remove' })]);
    // Whatever was under way fails now that the engines are gone, and until then it may still be writing.
    await measuring;
    await rm(dir, { recursive: true, force: true });
    for (const end of ended) if (end.status === 'rejected') console.error('Cleaning up:', end.reason);
  }
}

/** What cannot be measured is no goal met, and keeps nothing else from being measured. */
async function measured(name: string, measure: () => Promise<Row[]>): Promise<Row[]> {
  console.error(`measuring: ${name}`);
  try {
    return await measure();
  } catch (failure) {
    console.error(failure);
    return [{ what: `${name}: could not be measured`, unit: 'errors', ours: 1, goal: { most: 0 } }];
  }
}

/** Ctrl-C ends the measuring, not the cleaning up. */
function interrupted(): { readonly signal: AbortSignal; readonly ends: Promise<never> } {
  const abort = new AbortController();
  const { signal } = abort;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => abort.abort(new Error(`ended by ${name}`)));
  }
  const ends = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
  ends.catch(() => undefined);
  return { signal, ends };
}

function placesOf(agent: LocalAgent, dockerd: Dockerd): Pick<Places, 'ours' | 'theirs' | 'image'> {
  const { socket } = agent.places;
  return {
    ours: { engine: { name: 'porthole', host: `unix://${socket}` }, api: new Api(socket) },
    theirs: { engine: { name: 'dockerd', host: dockerd.host }, api: new Api(dockerd.socket) },
    image,
  };
}

const load = async (): Promise<string> => (await readFile('/proc/loadavg', 'utf8')).split(' ')[0] ?? '?';
