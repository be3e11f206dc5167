import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startRegistry } from '../support/registry.ts';
import { writeArchive } from './archives.ts';
import { inTurns, timed } from './measure.ts';
import { must, type Place, type Places } from './places.ts';
import type { Row } from './rows.ts';

const exec = promisify(execFile);
const patience = 1_800_000;
const goals = { pull: { share: 0.8 }, load: { share: 0.5 }, opening: { most: 50 }, memory: { most: 200 } } as const;

/** Pulling, loading and looking into large images, and what the agent needs for it. @param dir for the archives */
export async function storeRows(places: Places, { dir }: { readonly dir: string }): Promise<Row[]> {
  return [
    ...(await transferRows(places, dir)),
    ...(await openingRows(places, dir)),
    ...(await manyEntriesRow(places, dir)),
  ];
}

/** 300 MB in 20,000 files and four layers: loaded, and pulled from a registry of this machine. */
async function transferRows(places: Places, dir: string): Promise<Row[]> {
  const { ours, theirs, agentPid, signal } = places;
  const archive = join(dir, 'large.tar');
  const layers = [0, 1, 2, 3].map((layer) => ({ from: layer * 5_000, files: 5_000, size: 15_000, directory: 100 }));
  await writeArchive(archive, { name: 'bench/large:1', layers, signal });
  const registry = await startRegistry();
  try {
    const name = `${registry.host}/bench/large:1`;
    const toRegistry = ['copy', '--quiet', '--dest-tls-verify=false', `docker-archive:${archive}`, `docker://${name}`];
    await exec('skopeo', toRegistry, { signal });
    const load = (place: Place) => async () => {
      const took = await timed(() => must(place, ['load', '-q', '-i', archive], patience));
      await must(place, ['rmi', 'bench/large:1'], patience);
      return took;
    };
    const pull = (place: Place) => async () => {
      const took = await timed(() => must(place, ['pull', '-q', name], patience));
      await must(place, ['rmi', name], patience);
      return took;
    };
    const others = async () => {
      const layout = join(dir, 'skopeo');
      const took = await timed(async () => {
        const from = ['copy', '--quiet', '--src-tls-verify=false', `docker://${name}`, `oci:${layout}:large`];
        await exec('skopeo', from, { signal });
        await exec('umoci', ['unpack', '--image', `${layout}:large`, join(dir, 'umoci')], { signal });
      });
      for (const left of ['skopeo', 'umoci']) await rm(join(dir, left), { recursive: true, force: true });
      return took;
    };
    // Every round takes half a minute, and finds nothing of the one before.
    const often = { rounds: 3, warming: 0 };
    const loads = () => inTurns({ ours: load(ours), theirs: load(theirs) }, often);
    const pulls = () => inTurns({ ours: pull(ours), theirs: pull(theirs) }, often);
    const [loaded, loading] = await peakOf(agentPid, loads);
    const [pulled, pulling] = await peakOf(agentPid, pulls);
    const byOthers = await others();
    const shape = '300 MB in 20,000 files and 4 layers';
    const seconds = (ms: number) => ms / 1_000;
    const beside = (milliseconds: number, whose: string) => ({ figure: seconds(milliseconds), whose });
    const [pullTime, loadTime] = [pulled('ours').undisturbed, loaded('ours').undisturbed].map(seconds);
    return [
      {
        ...{ what: `docker pull, ${shape}`, unit: 's', ours: pullTime ?? Number.NaN, goal: goals.pull },
        other: beside(pulled('theirs').undisturbed, 'dockerd'),
      },
      {
        ...{ what: 'the same', unit: 's', ours: pullTime ?? Number.NaN },
        other: beside(byOthers, 'skopeo copy, umoci unpack'),
      },
      { what: 'the agent meanwhile, RSS at most', unit: 'MiB', ours: pulling, goal: goals.memory },
      {
        ...{ what: `docker load, ${shape}`, unit: 's', ours: loadTime ?? Number.NaN, goal: goals.load },
        other: beside(loaded('theirs').undisturbed, 'dockerd'),
      },
      { what: 'the agent meanwhile, RSS at most', unit: 'MiB', ours: loading, goal: goals.memory },
    ];
  } finally {
    await registry.stop();
    await rm(archive, { force: true });
  }
}

/** What a user waits for who opens a layer: one that made everything, and one that changed a part of it. */
async function openingRows({ ours, signal }: Places, dir: string): Promise<Row[]> {
  const archive = join(dir, 'gigabyte.tar');
  const name = 'bench/gigabyte:1';
  const all = { from: 0, files: 50_000, size: 20_000, directory: 100 };
  await writeArchive(archive, { name, layers: [all, { ...all, files: 2_000, size: 10 }], signal });
  await must(ours, ['load', '-q', '-i', archive], patience);
  await rm(archive);
  const image = `/porthole/v1/images/${encodeURIComponent(name)}/layers`;
  const ask = (question: string) => () => timed(() => ours.api.drain(`${image}/${question}`));
  const figures = await inTurns(
    {
      first: ask('0/changes/directory'),
      directory: ask(`0/changes/directory?path=${encodeURIComponent('usr/share')}`),
      upper: ask('1/changes/directory'),
      whole: ask('0/changes'),
    },
    { rounds: 15 },
  );
  await must(ours, ['rmi', name], patience);
  const rows = [
    ['first', 'changes of a layer of 1 GB in 50,000 files: the first level', goals.opening],
    ['directory', 'the directory of its 500 directories', goals.opening],
    ['upper', 'the first level of a layer above it that changed 2,000 files', goals.opening],
    ['whole', 'the whole list of 50,000 changes', undefined],
  ] as const;
  return rows.map(([question, what, goal]) => ({
    ...{ what, unit: 'ms', ours: figures(question).undisturbed },
    ...(goal && { goal }),
  }));
}

/** As many entries as a layer may have, nearly: the most that the agent ever holds. */
async function manyEntriesRow({ ours, agentPid, signal }: Places, dir: string): Promise<Row[]> {
  const archive = join(dir, 'many.tar');
  const layer = { from: 0, files: 990_000, size: 0, directory: 200 };
  await writeArchive(archive, { name: 'bench/many:1', layers: [layer], signal });
  const load = () => timed(() => must(ours, ['load', '-q', '-i', archive], patience));
  const [took, most] = await peakOf(agentPid, load);
  await rm(archive);
  await must(ours, ['rmi', 'bench/many:1'], patience);
  const what = 'docker load of a layer of 990,000 files';
  return [
    { what: `${what}: the agent, RSS at most`, unit: 'MiB', ours: most, goal: goals.memory },
    { what, unit: 's', ours: took / 1_000 },
  ];
}

/** @returns what the task gave, and the most MiB that the process had resident meanwhile */
async function peakOf<T>(pid: number, task: () => Promise<T>): Promise<[T, number]> {
  // The peak is counted anew from here on, see proc_pid_clear_refs(5).
  await writeFile(`/proc/${pid}/clear_refs`, '5');
  const result = await task();
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return [result, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024];
}
