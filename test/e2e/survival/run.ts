import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeStarterImage, starterImage } from '../../../scripts/starter-image.ts';
import { busyboxTar } from '../../conformance/engine.ts';
import type { Figures, Story, World } from './acts.ts';
import { type Agents, makeAgents } from './agents.ts';
import { Client, linesOf } from './client.ts';
import { leftovers, shimDescriptors } from './leftovers.ts';
import { Random } from './random.ts';
import { stories } from './stories.ts';

export interface SurvivalOptions {
  /** How often the agent dies. */
  readonly rounds: number;
  /** How many containers live side by side. */
  readonly containers: number;
  readonly seed: number;
  /** Let `connect` of a newer version replace the agent, instead of killing and starting it. */
  readonly upgrade: boolean;
  readonly say: (line: string) => void;
}

export interface SurvivalResult extends Figures {
  readonly stories: number;
  readonly cutOff: number;
  /** What was lost, doubled or left behind; nothing, one hopes. */
  readonly losses: readonly string[];
}

/** Milliseconds. */
const longestLife = 10_000;
const image = 'survival/busybox:1';
/** Containers that live through everything. */
const sitters = ['sitter-0', 'sitter-1', 'sitter-2'];
const sitting = `trap 'exit 9' TERM; i=0; while :; do echo "out $i"; i=$((i+1)); sleep 0.03; done`;

/**
 * Kills or replaces the agent again and again while containers come, work and go. It has to be alone in its PID and mount
 * namespaces: what is left there in the end is a leak.
 */
export async function survive(options: SurvivalOptions): Promise<SurvivalResult> {
  const dir = await mkdtemp('/var/tmp/porthole-survival-');
  const cgroupParent = `/porthole-survival-${dir.slice(-6)}`;
  const agents = await makeAgents(dir, { cgroupParent });
  const client = new Client(agents.socket);
  const random = new Random(options.seed);
  const losses: string[] = [];
  const figures: Figures = { containers: 0, lives: 0, lines: 0, exitCodes: 0, execs: 0, files: 0, verdicts: 0 };
  const before = await leftovers({ ...agents, cgroupParent });
  let told = 0;
  let count = 0;
  try {
    await agents.start();
    await client.sure('POST', `/images/create?fromSrc=-&repo=survival/busybox&tag=1`, { tar: await busyboxTar() });
    const world: World = {
      client,
      random,
      image,
      archive: { tar: await makeStarterImage(), tag: starterImage },
      isArchiveTaken: false,
      figures,
      generation: 0,
    };
    const pids = await beginSitting(world);
    const descriptors = await shimDescriptors();
    let over = false;
    const one = async (story: Story): Promise<void> => {
      const name = `story-${count++}`;
      const begun = Date.now();
      await inTime(story.run(world, name)).then(
        () => told++,
        (failure: unknown) => {
          const words = failure instanceof Error ? failure.message : String(failure);
          losses.push(`${name}, which ${story.name}, after ${((Date.now() - begun) / 1000).toFixed(1)} s: ${words}`);
          options.say(`LOST ${losses.at(-1)}`);
        },
      );
    };
    const teller = async (): Promise<void> => {
      while (!over) await one(chosen(random));
    };
    const tellers = Array.from({ length: options.containers }, teller);
    for (let round = 1; round <= options.rounds; round++) {
      // Under load an agent answers less in a second: it lives for so many answers, else nothing would get on.
      const wanted = client.answered + random.between(0, 6 * options.containers);
      for (let waited = 0; client.answered < wanted && waited < longestLife; waited += 5) await pause(5);
      await pause(random.between(0, 300));
      world.generation++;
      if (options.upgrade) await upgradeOnce(agents, random);
      else {
        await agents.kill9();
        if (random.next() < 0.3) await pause(random.between(1, 400));
        await agents.start();
      }
      world.generation++;
      if (round % 10 === 0 || round === options.rounds) {
        options.say(`round ${round}: ${told} stories told, ${client.cutOff} requests cut off, ${losses.length} losses`);
      }
    }
    over = true;
    await Promise.all(tellers);
    losses.push(...(await checkSitting(world, pids, descriptors)));
    const left: unknown = await client.json('/containers/json?all=1');
    if (JSON.stringify(left) !== '[]') losses.push(`containers are left: ${JSON.stringify(left)}`);
    await agents.end();
    losses.push(...(await leaks(before, { ...agents, cgroupParent })));
    if (losses.length > 0) options.say((await readFile(agents.log, 'utf8')).slice(-4000));
  } catch (failure) {
    options.say(`${String(failure)}\n${(await readFile(agents.log, 'utf8').catch(() => '')).slice(-4000)}`);
    throw failure;
  } finally {
    await agents.end().catch(() => undefined);
    await rm(dir, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
    for (const cgroup of (await hierarchies()).map((root) => join(root, cgroupParent)))
      await rmdir(cgroup).catch(() => undefined);
  }
  return { ...figures, stories: told, cutOff: client.cutOff, losses };
}

/** Milliseconds: nothing that a story waits for takes so long, not even under fifty others on a busy machine. */
const longestStory = 600_000;

async function inTime(story: Promise<void>): Promise<void> {
  const over = new AbortController();
  const late = pause(longestStory, undefined, { signal: over.signal }).then(() => {
    throw new Error(`it did not come to an end in ${longestStory / 1000} seconds`);
  });
  late.catch(() => undefined);
  await Promise.race([story, late]).finally(() => over.abort());
}

async function upgradeOnce(agents: Agents, random: Random): Promise<void> {
  const upgrading = agents.upgrade();
  upgrading.catch(() => undefined);
  if (random.next() < 0.3) {
    // The old one may die while it hands over.
    await pause(random.between(0, 600));
    await agents.kill9().catch(() => undefined);
  }
  await upgrading;
}

function chosen(random: Random): Story {
  let left = random.between(
    1,
    stories.reduce((sum, { weight }) => sum + weight, 0),
  );
  for (const story of stories) {
    left -= story.weight;
    if (left <= 0) return story;
  }
  throw new Error('no story');
}

async function beginSitting({ client }: World): Promise<number[]> {
  const pids: number[] = [];
  for (const name of sitters) {
    const body = { Image: image, Cmd: ['sh', '-c', sitting], HostConfig: { NetworkMode: 'none' } };
    await client.sure('POST', `/containers/create?name=${name}`, { body, accept: [201] });
    await client.sure('POST', `/containers/${name}/start`, { accept: [204] });
    pids.push(Object(await client.json(`/containers/${name}/json`)).State.Pid);
  }
  return pids;
}

async function checkSitting(world: World, pids: readonly number[], then: Map<number, string[]>): Promise<string[]> {
  const { client, figures } = world;
  const losses: string[] = [];
  const now = await shimDescriptors();
  for (const [pid, links] of then) {
    if (JSON.stringify(now.get(pid)) === JSON.stringify(links)) continue;
    losses.push(`descriptors of shim ${pid}: ${now.get(pid)?.join(' ')} instead of ${links.join(' ')}`);
  }
  for (const [index, name] of sitters.entries()) {
    try {
      const { State, RestartCount } = Object(await client.json(`/containers/${name}/json`));
      assert.deepEqual([State.Status, State.Pid, RestartCount], ['running', pids[index], 0], name);
      await client.sure('POST', `/containers/${name}/stop?t=20`, { accept: [204] });
      assert.equal(Object(await client.json(`/containers/${name}/json`)).State.ExitCode, 9);
      const { stdout } = linesOf((await client.sure('GET', `/containers/${name}/logs?stdout=1`)).body);
      assert.deepEqual(
        stdout,
        stdout.map((_, at) => `out ${at}`),
        `${name}: every line, once`,
      );
      figures.lines += stdout.length;
      figures.exitCodes++;
      await client.sure('DELETE', `/containers/${name}`, { accept: [204] });
    } catch (failure) {
      losses.push(failure instanceof Error ? failure.message : String(failure));
    }
  }
  return losses;
}

/** What is there and was not before; the kernel gets some seconds to take apart what has ended. */
async function leaks(
  before: Awaited<ReturnType<typeof leftovers>>,
  places: { readonly dataRoot: string; readonly execRoot: string; readonly cgroupParent: string },
): Promise<string[]> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const now = await leftovers(places);
    const left = [
      ...now.processes.map((one) => `process ${one}`),
      ...now.mounts.filter((one) => !before.mounts.includes(one)).map((one) => `mount ${one}`),
      ...now.cgroups.map((one) => `cgroup ${one}`),
      ...now.directories.map((one) => `directory ${one}`),
    ];
    if (left.length === 0 || Date.now() > deadline) return left.map((one) => `left behind: ${one}`);
    await pause(100);
  }
}

async function hierarchies(): Promise<string[]> {
  return (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');
}
