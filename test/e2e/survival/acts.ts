import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { broken, type Client, linesOf } from './client.ts';
import type { Random } from './random.ts';

/** What stories share. */
export interface World {
  readonly client: Client;
  readonly random: Random;
  readonly image: string;
  /** An archive that `load` takes, and the tag in it. */
  readonly archive: { readonly tar: Buffer; readonly tag: string };
  /** One story at a time has the image of the archive: they would remove it from under each other. */
  isArchiveTaken: boolean;
  readonly figures: Figures;
  /** Moves on before an agent dies and again when the next one is there; odd in between. */
  generation: number;
}

export interface Figures {
  containers: number;
  lives: number;
  lines: number;
  exitCodes: number;
  execs: number;
  /** Whose content was compared. */
  files: number;
  /** Turns of a health check's verdict that were seen. */
  verdicts: number;
}

/** The life of one container, or of an image, from its creation to its removal. It throws when something was lost. */
export interface Story {
  readonly name: string;
  readonly weight: number;
  run(world: World, name: string): Promise<void>;
}

export interface Inspected {
  readonly Id: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Pid: number;
    readonly Paused: boolean;
    readonly Error: string;
    readonly Health?: { readonly Status: string; readonly FailingStreak: number };
  };
  readonly ExecIDs: readonly string[] | null;
}

export const never = '0001-01-01T00:00:00Z';

/** A container that exists, whatever became of the first attempt to create it. */
export async function create(
  world: World,
  name: string,
  script: string,
  { HostConfig = {}, ...more }: { readonly HostConfig?: object; readonly [field: string]: unknown } = {},
): Promise<string> {
  const { client, image, figures } = world;
  const body = {
    Image: image,
    Cmd: ['sh', '-c', script],
    ...more,
    HostConfig: { NetworkMode: 'none', ...HostConfig },
  };
  for (;;) {
    const answer = await client.once('POST', `/containers/create?name=${name}`, { body });
    const id = answer === broken ? await idByName(world, name) : undefined;
    if (answer !== broken) assert.equal(answer.status, 201, answer.body);
    if (answer === broken && id === undefined) continue;
    figures.containers++;
    const created = id ?? String(answer === broken ? '' : JSON.parse(answer.body).Id);
    // What was answered is there, also after the next crash.
    assert.equal((await inspect(world, created)).Id, created);
    return created;
  }
}

export async function idByName(world: World, name: string): Promise<string | undefined> {
  const { status, body } = await world.client.sure('GET', `/containers/${name}/json`, { accept: [200, 404] });
  return status === 200 ? String(JSON.parse(body).Id) : undefined;
}

/** Starts it once: a second life would show in its log. */
export async function start(world: World, id: string, options: { mayBeGone?: boolean } = {}): Promise<void> {
  for (;;) {
    const answer = await world.client.once('POST', `/containers/${id}/start`);
    if (answer !== broken) {
      if (options.mayBeGone && answer.status === 404) return;
      assert.equal(answer.status, 204, `start: ${answer.body}`);
      world.figures.lives++;
      return;
    }
    const { status, body } = await world.client.sure('GET', `/containers/${id}/json`, { accept: [200, 404] });
    if (options.mayBeGone && status === 404) return;
    const found: Inspected = JSON.parse(body);
    if (found.State?.StartedAt === never) continue;
    assert.equal(status, 200, `it is gone after a start that was cut off: ${body}`);
    world.figures.lives++;
    return;
  }
}

export async function ends(world: World, id: string, code: number): Promise<void> {
  const waited = await world.client.sure('POST', `/containers/${id}/wait`);
  const { State } = await inspect(world, id);
  assert.equal(State.ExitCode, code, `exit code (${State.Status} ${State.Error})`);
  assert.equal(JSON.parse(waited.body).StatusCode, code, 'exit code of wait');
  assert.equal(State.Status, 'exited');
  assert.equal(State.Pid, 0);
  world.figures.exitCodes++;
}

export async function inspect(world: World, id: string): Promise<Inspected> {
  return JSON.parse((await world.client.sure('GET', `/containers/${id}/json`)).body);
}

export async function logs(world: World, id: string): Promise<ReturnType<typeof linesOf>> {
  const said = linesOf((await world.client.sure('GET', `/containers/${id}/logs?stdout=1&stderr=1`)).body);
  world.figures.lines += said.stdout.length + said.stderr.length;
  return said;
}

export async function remove(world: World, id: string): Promise<void> {
  await world.client.sure('DELETE', `/containers/${id}`, { accept: [204, 404, 409] });
  await untilGone(world, id);
}

/** A removal that was cut off goes on by itself, or is asked for again. */
export async function untilGone(world: World, id: string): Promise<void> {
  for (;;) {
    const { status } = await world.client.sure('GET', `/containers/${id}/json`, { accept: [200, 404] });
    if (status === 404) return;
    await pause(50);
    await world.client.sure('DELETE', `/containers/${id}?force=1`, { accept: [204, 404, 409] });
  }
}

export const seconds = (random: Random): string => (random.between(5, 90) / 1000).toFixed(3);
