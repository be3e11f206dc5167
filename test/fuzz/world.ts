import { readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import Docker from 'dockerode';
import { makeStarterImage, starterImage } from '../../scripts/starter-image.ts';
import { ask, type RunningAgent, startAgent } from '../support/agent.ts';
import type { Places } from './create-bodies.ts';

/** A real agent with something to ask for, and what can be counted of it. */
export interface World {
  readonly agent: RunningAgent;
  readonly docker: Docker;
  readonly places: Places;
  /** Names of the containers that `restore` brings back. */
  readonly containers: readonly string[];
  /** Brings back what requests have removed, stopped and renamed. */
  restore(): Promise<void>;
  /** Removes every container, volume and network, so that what is left is a leak. */
  empty(): Promise<void>;
  /** What there is when the agent has heard of all that its clients did: connections end a little later for it. */
  count(): Promise<Counted>;
  close(): Promise<void>;
}

/** What an agent has and holds. After `empty` all but the last two are nothing. */
export interface Counted {
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  readonly shims: readonly string[];
  readonly directories: readonly string[];
  /** What the agent's open files lead to. */
  readonly descriptors: readonly string[];
  /** MB */
  readonly resident: number;
}

const sleeps = { Image: starterImage, Cmd: ['sleep', '100000'], StopSignal: 'SIGKILL' };
const standing: Readonly<Record<string, 'created' | 'running' | 'paused'>> = {
  runs: 'running',
  terminal: 'running',
  sleeps: 'paused',
  fuzzed: 'created',
};

export async function openWorld(): Promise<World> {
  const cgroup = `/porthole-fuzz-${process.pid}`;
  const scratch = await mkdtemp('/tmp/porthole-fuzz-');
  const agent = await startAgent({ flags: ['--cgroup-parent', cgroup] });
  const docker = new Docker({ socketPath: agent.socket });
  const image = await makeStarterImage();

  async function restore(): Promise<void> {
    const images = await docker.listImages();
    if (!images.some(({ RepoTags }) => RepoTags?.includes(starterImage)))
      await text(await docker.loadImage(Readable.from([image]), {}));
    for (const [name, state] of Object.entries(standing)) await restoreOne(agent.socket, name, state);
  }

  return {
    agent,
    docker,
    places: { scratch, cgroup },
    containers: Object.keys(standing),
    restore,
    async empty() {
      const listed = await docker.listContainers({ all: true });
      await Promise.all(listed.map(({ Id }) => ask(agent.socket, 'DELETE', `/containers/${Id}?force=1&v=1`)));
      const { Volumes: volumes } = await docker.listVolumes();
      await Promise.all(
        (volumes ?? []).map(({ Name }) => ask(agent.socket, 'DELETE', `/volumes/${encodeURIComponent(Name)}`)),
      );
    },
    count: () => settled(() => counted(agent, cgroup)),
    async close() {
      await agent.stop();
      removeCgroups(cgroup);
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

async function restoreOne(socket: string, name: string, state: 'created' | 'running' | 'paused'): Promise<void> {
  const body = { ...sleeps, Tty: name === 'terminal', OpenStdin: true, HostConfig: { NetworkMode: 'none' } };
  await ask(socket, 'POST', `/containers/create?name=${name}`, body);
  if (state === 'created') return;
  await ask(socket, 'POST', `/containers/${name}/start`);
  await ask(socket, 'POST', `/containers/${name}/${state === 'paused' ? 'pause' : 'unpause'}`);
}

/** The last of two counts that are alike, or what there is after some seconds. */
async function settled(count: () => Counted): Promise<Counted> {
  let last = count();
  for (let tries = 0; tries < 20; tries++) {
    await pause(150);
    const { resident, ...now } = count();
    const { resident: _, ...before } = last;
    last = { ...now, resident };
    const left = [now.mounts, now.cgroups, now.shims, now.directories].some((list) => list.length > 0);
    if (!left && JSON.stringify(now) === JSON.stringify(before)) break;
  }
  return last;
}

function counted({ pid, dataRoot, execRoot }: RunningAgent, cgroup: string): Counted {
  const root = join(dataRoot, '..');
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const names = (...parts: string[]): string[] => entries(join(...parts)).map((name) => `${parts.at(-1)}/${name}`);
  return {
    mounts: lines.filter((line) => line.includes(root)),
    cgroups: cgroupsBelow(cgroup),
    shims: entries(`/proc/${pid}/task/${pid}/children`, { file: true }).filter(isShim),
    directories: [...names(dataRoot, 'containers'), ...names(execRoot, 'containers'), ...names(dataRoot, 'volumes')],
    descriptors: entries(`/proc/${pid}/fd`).map((name) => linkOf(`/proc/${pid}/fd/${name}`)),
    resident: Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) >> 10,
  };
}

function entries(path: string, { file = false } = {}): string[] {
  try {
    return file ? readFileSync(path, 'utf8').split(' ').filter(Boolean) : readdirSync(path);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return 'closed meanwhile';
  }
}

function isShim(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('shim');
  } catch {
    return false;
  }
}

/** Of containers; what was named as a parent may stay, as with dockerd. */
const cgroupsBelow = (parent: string): string[] =>
  directoriesBelow(parent).filter((path) => /\/[0-9a-f]{64}$/.test(path));

function removeCgroups(parent: string): void {
  // The deepest first.
  for (const path of directoriesBelow(parent).reverse()) rmdirSync(path);
}

function directoriesBelow(parent: string): string[] {
  const hierarchies = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => `${line.split(' ')[4]}${parent}`);
  const below = (path: string): string[] => {
    try {
      const found = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      return [path, ...found.flatMap(({ name }) => below(join(path, name)))];
    } catch {
      return [];
    }
  };
  return hierarchies.flatMap(below);
}
