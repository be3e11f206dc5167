import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { type LocalAgent, startLocalAgent } from '../../scripts/local-agent.ts';
import { busyboxTar, docker, type Engine } from '../conformance/engine.ts';
import { type Dockerd, startDockerd } from '../support/dockerd.ts';
import { missing } from '../support/tools.ts';
import { isMet, type Row, type Timing, table, time, timing } from './measure.ts';
import { memoryOf, parentOf } from './memory.ts';
import { makeRuncBundle } from './runc.ts';

const exec = promisify(execFile);
const image = 'bench/busybox:1';

/** Measures and prints; resolves with whether every goal was met. */
export async function bench(): Promise<boolean> {
  const reason = missing({ root: true, programs: ['docker', 'dockerd', 'runc', 'busybox', 'ip'] });
  if (reason !== undefined) throw new Error(`The bench ${reason}`);
  const dir = await mkdtemp(join(tmpdir(), 'porthole-bench-'));
  const execRoot = join(dir, 'exec');
  let agent: LocalAgent | undefined;
  let dockerd: Dockerd | undefined;
  try {
    agent = await startLocalAgent({ dataRoot: join(dir, 'data'), execRoot, socket: join(execRoot, 's') });
    dockerd = await startDockerd({ bridge: true });
    const ours: Engine = { name: 'porthole', host: `unix://${agent.places.socket}` };
    const theirs: Engine = { name: 'dockerd', host: dockerd.host };
    const tar = await busyboxTar();
    for (const engine of [ours, theirs]) await docker(engine, ['import', '-', image], { input: tar });
    const rows = [
      ...(await commandRows(ours, theirs)),
      ...(await startRows(agent.docker, dockerd, dir, tar)),
      ...(await memoryRows(agent.docker, new Docker({ socketPath: dockerd.socket }))),
    ];
    console.log(`\nLinux ${release()}, ${cpus().length} CPUs, Node ${process.version}, one run\n`);
    for (const line of table(rows)) console.log(line);
    return rows.every(isMet);
  } finally {
    await dockerd?.stop();
    await agent?.stop({ containers: 'remove' });
    await rm(dir, { recursive: true, force: true });
  }
}

/** What a user of the `docker` command waits for. The two take turns, so that the machine's mood meets both. */
async function commandRows(ours: Engine, theirs: Engine): Promise<Row[]> {
  const rows: Row[] = [];
  const commands: readonly (Pick<Row, 'what' | 'goal'> & { args: readonly string[] })[] = [
    {
      what: 'docker run --rm --net none IMG true',
      args: ['run', '--rm', '--net', 'none', image, 'true'],
      goal: { share: 1 / 3 },
    },
    { what: 'docker run --rm IMG true (bridge network; ours: own namespace)', args: ['run', '--rm', image, 'true'] },
    { what: 'docker run --rm --net host IMG true', args: ['run', '--rm', '--net', 'host', image, 'true'] },
  ];
  for (const { args, what, goal } of commands) {
    rows.push(
      row(
        what,
        await inTurns(
          () => must(ours, args),
          () => must(theirs, args),
        ),
        'dockerd',
        goal,
      ),
    );
  }
  const name = 'bench-exec';
  for (const engine of [ours, theirs]) await must(engine, ['run', '-d', '--name', name, image, 'sleep', '1000']);
  const args = ['exec', name, 'true'];
  rows.push(
    row(
      'docker exec C true',
      await inTurns(
        () => must(ours, args),
        () => must(theirs, args),
      ),
      'dockerd',
    ),
  );
  rows.push(
    row(
      'docker version (the command itself)',
      await inTurns(
        () => must(ours, ['version']),
        () => must(theirs, ['version']),
      ),
      'dockerd',
    ),
  );
  for (const engine of [ours, theirs]) await must(engine, ['rm', '-f', name]);
  return rows;
}

/** From the API's start request to the answer, which comes when the program has been executed. */
async function startRows(agent: Docker, dockerd: Dockerd, dir: string, tar: Buffer): Promise<Row[]> {
  const runc = await makeRuncBundle(join(dir, 'runc'), tar);
  const engines = { ours: agent, theirs: new Docker({ socketPath: dockerd.socket }) };
  const starts: Record<'ours' | 'theirs', number[]> = { ours: [], theirs: [] };
  const runs: number[] = [];
  for (let at = 0; at < 22; at += 1) {
    for (const [who, engine] of [
      ['ours', engines.ours],
      ['theirs', engines.theirs],
    ] as const) {
      const container = await engine.createContainer({
        Image: image,
        Cmd: ['true'],
        HostConfig: { NetworkMode: 'none' },
      });
      const begun = performance.now();
      await container.start();
      starts[who].push(performance.now() - begun);
      await container.wait();
      await container.remove();
    }
    const begun = performance.now();
    await exec('runc', ['--root', runc.state, 'run', '--bundle', runc.bundle, `bench-${process.pid}-${at}`]);
    runs.push(performance.now() - begun);
  }
  // The first two of each warm caches.
  const [ours, theirs, alone] = [starts.ours, starts.theirs, runs].map((all) => timing(all.slice(2)));
  if (!ours || !theirs || !alone) throw new Error('nothing measured');
  return [
    row('API start to exec’d init (--net none)', { ours, theirs: alone }, 'runc run IMG true', { share: 1 / 2 }),
    row('API start to exec’d init (--net none)', { ours, theirs }, 'dockerd'),
  ];
}

/** What one running container costs beside its own processes. */
async function memoryRows(agent: Docker, dockerd: Docker): Promise<Row[]> {
  const [ours, theirs] = await Promise.all([agent, dockerd].map(supervisorMemory));
  if (!ours || !theirs) throw new Error('nothing measured');
  const common = { against: 'containerd-shim', unit: 'KiB' } as const;
  return [
    {
      what: 'RSS of the process beside a container',
      ours: ours.rss,
      theirs: theirs.rss,
      goal: { most: 1024 },
      ...common,
    },
    { what: 'PSS of the process beside a container', ours: ours.pss, theirs: theirs.pss, ...common },
  ];
}

/** Memory of the parent of a container's init, the median of five containers. */
async function supervisorMemory(engine: Docker): Promise<{ rss: number; pss: number }> {
  const containers = await Promise.all(
    Array.from({ length: 5 }, () =>
      engine.createContainer({ Image: image, Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: 'none' } }),
    ),
  );
  try {
    const found: { rss: number; pss: number }[] = [];
    for (const container of containers) {
      await container.start();
      const { State } = await container.inspect();
      found.push(await memoryOf(await parentOf(State.Pid)));
    }
    return { rss: timing(found.map(({ rss }) => rss)).median, pss: timing(found.map(({ pss }) => pss)).median };
  } finally {
    await Promise.all(containers.map((container) => container.remove({ force: true })));
  }
}

async function inTurns(
  mine: () => Promise<unknown>,
  his: () => Promise<unknown>,
): Promise<{ ours: Timing; theirs: Timing }> {
  const durations: Record<'ours' | 'theirs', number[]> = { ours: [], theirs: [] };
  for (let round = 0; round < 17; round += 1) {
    for (const [who, task] of [
      ['ours', mine],
      ['theirs', his],
    ] as const) {
      const { median } = await time(task, { count: 1, warm: 0 });
      durations[who].push(median);
    }
  }
  return { ours: timing(durations.ours.slice(2)), theirs: timing(durations.theirs.slice(2)) };
}

function row(
  what: string,
  { ours, theirs }: { ours: Timing; theirs: Timing },
  against: string,
  goal?: Row['goal'],
): Row {
  return { what, ours: ours.median, theirs: theirs.median, against, unit: 'ms', ...(goal ? { goal } : {}) };
}

async function must(engine: Engine, args: readonly string[]): Promise<void> {
  const { code, stderr } = await docker(engine, args);
  if (code !== 0) throw new Error(`docker ${args.join(' ')} on ${engine.name}: ${stderr}`);
}
