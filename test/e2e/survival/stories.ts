import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import {
  create,
  ends,
  idByName,
  inspect,
  logs,
  never,
  remove,
  type Story,
  seconds,
  start,
  untilGone,
  type World,
} from './acts.ts';
import { broken, linesOf } from './client.ts';
import { commits, copiesFiles, isProbed, writesToAVolume } from './data-stories.ts';
import { runsExecs } from './exec-stories.ts';

export const stories: readonly Story[] = [
  { name: 'ends by itself', weight: 5, run: endsByItself },
  { name: 'is stopped', weight: 3, run: isStopped },
  { name: 'is killed', weight: 2, run: isKilled },
  { name: 'restarts on failure', weight: 3, run: restartsOnFailure },
  { name: 'removes itself', weight: 3, run: removesItself },
  { name: 'is removed by force', weight: 2, run: isRemovedByForce },
  { name: 'runs execs', weight: 2, run: runsExecs },
  { name: 'copies files', weight: 2, run: copiesFiles },
  { name: 'writes to a volume', weight: 2, run: writesToAVolume },
  { name: 'is committed', weight: 1, run: commits },
  { name: 'is probed', weight: 1, run: isProbed },
  { name: 'is followed', weight: 2, run: isFollowed },
  { name: 'is paused', weight: 1, run: isPaused },
  { name: 'is renamed', weight: 1, run: isRenamed },
  { name: 'is only created', weight: 1, run: isOnlyCreated },
  { name: 'an image comes and goes', weight: 1, run: imageComesAndGoes },
];

/** Numbered lines on both streams between a first and a last one. */
function writer({ lines, pause: seconds, code }: { lines: number; pause: string; code: number }): string {
  return [
    'echo begin',
    'i=0',
    `while [ $i -lt ${lines} ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); sleep ${seconds}; done`,
    `echo end; exit ${code}`,
  ].join('; ');
}

/** Writes until it is told to end. */
const endless = (code: number): string =>
  `trap 'echo end; exit ${code}' TERM; echo begin; i=0; while :; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); sleep 0.05; done`;

const numbered = (word: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${word} ${at}`);

async function endsByItself(world: World, name: string): Promise<void> {
  const { random } = world;
  const [lines, code] = [random.between(1, 25), random.between(0, 125)];
  const id = await create(world, name, writer({ lines, pause: seconds(random), code }));
  await start(world, id);
  await ends(world, id, code);
  const said = await logs(world, id);
  assert.deepEqual(said.stdout, ['begin', ...numbered('out', lines), 'end'], 'standard output');
  assert.deepEqual(said.stderr, numbered('err', lines), 'standard error');
  await remove(world, id);
}

async function isStopped(world: World, name: string): Promise<void> {
  const { client, random } = world;
  const code = random.between(0, 125);
  const id = await create(world, name, endless(code), {
    HostConfig: { RestartPolicy: { Name: random.pick(['no', 'on-failure']) } },
  });
  await start(world, id);
  await untilTrapIsSet(world, id);
  await pause(random.between(0, 800));
  const stopped = await client.once('POST', `/containers/${id}/stop?t=20`);
  if (stopped === broken) {
    // The signal may have been sent or not, and with a policy the end may have been taken for the container's own.
    await client.sure('POST', `/containers/${id}/stop?t=20`, { accept: [204, 304] });
    const { State } = await inspect(world, id);
    assert.ok(['exited'].includes(State.Status), `stopped is ${State.Status}`);
    assert.ok([code, 143].includes(State.ExitCode), `exit code ${State.ExitCode} instead of ${code}`);
  } else {
    assert.equal(stopped.status, 204, stopped.body);
    await ends(world, id, code);
    contiguous(await logs(world, id), world, { ended: true });
  }
  await remove(world, id);
}

async function isKilled(world: World, name: string): Promise<void> {
  const { client, random } = world;
  const id = await create(world, name, endless(0));
  await start(world, id);
  await pause(random.between(0, 500));
  await client.sure('POST', `/containers/${id}/kill`, { accept: [204, 409] });
  await ends(world, id, 137);
  contiguous(await logs(world, id), world, { ended: false });
  await remove(world, id);
}

async function restartsOnFailure(world: World, name: string): Promise<void> {
  const { random } = world;
  const [lines, code, most] = [random.between(0, 3), random.between(1, 125), random.between(1, 3)];
  const id = await create(world, name, writer({ lines, pause: '0.02', code }), {
    HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: most } },
  });
  await start(world, id);
  for (;;) {
    const { State, RestartCount } = await inspect(world, id);
    if (State.Status === 'exited') {
      assert.equal(State.ExitCode, code, 'exit code');
      assert.equal(RestartCount, most, 'restart count');
      break;
    }
    assert.ok(['running', 'restarting'].includes(State.Status), `is ${State.Status} (${State.Error})`);
    await pause(40);
  }
  world.figures.exitCodes += most + 1;
  world.figures.lives += most;
  const life = ['begin', ...numbered('out', lines), 'end'];
  const said = await logs(world, id);
  assert.deepEqual(said.stdout, Array.from({ length: most + 1 }, () => life).flat(), 'every life, once');
  await remove(world, id);
}

async function removesItself(world: World, name: string): Promise<void> {
  const { client, random } = world;
  const code = random.between(0, 125);
  const script = writer({ lines: random.between(0, 6), pause: seconds(random), code });
  const id = await create(world, name, script, { HostConfig: { AutoRemove: true } });
  const waiting = client.once('POST', `/containers/${id}/wait?condition=removed`);
  await start(world, id, { mayBeGone: true });
  const waited = await waiting;
  if (waited !== broken && waited.status === 200) {
    assert.equal(JSON.parse(waited.body).StatusCode, code, 'exit code');
    world.figures.exitCodes++;
  }
  for (;;) {
    const { status } = await client.sure('GET', `/containers/${id}/json`, { accept: [200, 404] });
    if (status === 404) return;
    await pause(40);
  }
}

async function isRemovedByForce(world: World, name: string): Promise<void> {
  const { client, random } = world;
  const id = await create(world, name, endless(0));
  await start(world, id);
  await pause(random.between(0, 300));
  await client.sure('DELETE', `/containers/${id}?force=1`, { accept: [204, 404, 409] });
  await untilGone(world, id);
}

async function isFollowed(world: World, name: string): Promise<void> {
  const { client, random } = world;
  const [lines, code] = [random.between(5, 25), random.between(0, 125)];
  const id = await create(world, name, writer({ lines, pause: seconds(random), code }));
  await start(world, id);
  const expected = ['begin', ...numbered('out', lines), 'end'];
  for (;;) {
    const followed = await client.once('GET', `/containers/${id}/logs?stdout=1&follow=1`);
    if (followed === broken) continue;
    // A log that ended early is one that an agent which was asked to end has closed.
    const said = linesOf(followed.body).stdout;
    assert.deepEqual(said, expected.slice(0, said.length), 'a followed log');
    if (said.length === expected.length) break;
    await pause(5);
  }
  await ends(world, id, code);
  await remove(world, id);
}

async function isPaused(world: World, name: string): Promise<void> {
  const { client, random } = world;
  const id = await create(world, name, endless(3));
  await start(world, id);
  await untilTrapIsSet(world, id);
  await client.sure('POST', `/containers/${id}/pause`, { accept: [204, 409] });
  await pause(random.between(0, 300));
  assert.equal((await inspect(world, id)).State.Status, 'paused');
  const before = (await logs(world, id)).stdout.length;
  await pause(random.between(0, 300));
  assert.equal((await logs(world, id)).stdout.length, before, 'a paused container writes nothing');
  await client.sure('POST', `/containers/${id}/unpause`, { accept: [204, 409, 500] });
  assert.equal((await inspect(world, id)).State.Status, 'running');
  await client.sure('POST', `/containers/${id}/stop?t=20`, { accept: [204, 304] });
  await ends(world, id, 3);
  contiguous(await logs(world, id), world, { ended: true });
  await remove(world, id);
}

async function isRenamed(world: World, name: string): Promise<void> {
  const { client } = world;
  const id = await create(world, name, 'exit 4');
  const renamed = await client.once('POST', `/containers/${id}/rename?name=${name}-new`);
  const { Name } = Object(await client.json(`/containers/${id}/json`));
  if (renamed === broken) assert.ok([`/${name}`, `/${name}-new`].includes(Name), Name);
  else assert.equal(Name, `/${name}-new`, renamed.body);
  await start(world, id);
  await ends(world, id, 4);
  await remove(world, id);
}

async function isOnlyCreated(world: World, name: string): Promise<void> {
  const id = await create(world, name, 'true');
  await pause(world.random.between(0, 400));
  const { State } = await inspect(world, id);
  assert.deepEqual([State.Status, State.StartedAt], ['created', never]);
  await remove(world, id);
}

async function imageComesAndGoes(world: World, name: string): Promise<void> {
  if (world.isArchiveTaken) return pause(100);
  world.isArchiveTaken = true;
  try {
    await withTheImage(world, name);
  } finally {
    world.isArchiveTaken = false;
  }
}

async function withTheImage(world: World, name: string): Promise<void> {
  const { client, archive } = world;
  const answer = await client.once('POST', '/images/load?quiet=1', { tar: archive.tar });
  if (answer !== broken) assert.equal(answer.status, 200, answer.body);
  const there = await client.sure('GET', `/images/${archive.tag}/json`, { accept: [200, 404] });
  if (answer === broken && there.status === 404) return;
  assert.equal(there.status, 200, 'a loaded image');
  const made = await client.once('POST', `/containers/create?name=${name}`, {
    body: { Image: archive.tag, Cmd: ['true'], HostConfig: { NetworkMode: 'none' } },
  });
  const id = made === broken ? await idByName(world, name) : String(JSON.parse(made.body).Id);
  if (id === undefined) return;
  await start(world, id);
  await ends(world, id, 0);
  await remove(world, id);
  await client.sure('DELETE', `/images/${archive.tag}`, { accept: [200, 404, 409] });
}

/** The endless writer's lines, in one life, without a gap. */
function contiguous(said: ReturnType<typeof linesOf>, _world: World, { ended }: { ended: boolean }): void {
  const [begin, ...rest] = said.stdout;
  assert.ok(begin === 'begin' || (!ended && begin === undefined), `begins with ${begin}`);
  if (ended) assert.equal(rest.pop(), 'end');
  assert.deepEqual(rest, numbered('out', rest.length), 'standard output');
  assert.deepEqual(said.stderr, numbered('err', said.stderr.length), 'standard error');
  assert.ok(Math.abs(rest.length - said.stderr.length) <= 1, 'both streams');
}

async function untilTrapIsSet(world: World, id: string): Promise<void> {
  while ((await logs(world, id)).stdout.length === 0) await pause(20);
}
