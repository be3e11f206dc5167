import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { extract, pack } from 'tar-stream';
import { create, ends, inspect, logs, remove, start, untilGone, type World } from './acts.ts';
import { broken } from './client.ts';

/** `docker cp` into a container and out of it, while it runs and after its end. */
export async function copiesFiles(world: World, name: string): Promise<void> {
  const { client, random } = world;
  const id = await create(world, name, 'sleep 1000');
  if (random.next() < 0.7) await start(world, id);
  const isRunning = (await inspect(world, id)).State.Status === 'running';
  const content = randomBytes(random.between(1, 200_000)).toString('hex');
  const tar = pack();
  tar.entry({ name: 'dir/', type: 'directory' });
  tar.entry({ name: 'dir/file' }, content);
  tar.finalize();
  // Done twice it is the same.
  await client.sure('PUT', `/containers/${id}/archive?path=/var`, { tar: await buffer(tar) });
  assert.equal(await fileIn(world, id, '/var/dir/file'), content, 'a file that was copied in');
  world.figures.files++;
  if (isRunning) {
    await client.sure('POST', `/containers/${id}/kill`, { accept: [204, 409] });
    await ends(world, id, 137);
    assert.equal(await fileIn(world, id, '/var/dir/file'), content, 'the same after the end');
    world.figures.files++;
  }
  await remove(world, id);
}

/** A file of a container, as `docker cp` gets it. An answer that was cut off is asked for again. */
export async function fileIn(world: World, id: string, path: string): Promise<string> {
  for (;;) {
    const { body } = await world.client.sure('GET', `/containers/${id}/archive?path=${path}`);
    const found = await onlyFile(Buffer.from(body, 'latin1')).catch(() => undefined);
    if (found !== undefined) return found;
  }
}

async function onlyFile(tar: Buffer): Promise<string> {
  const reader = extract();
  reader.end(tar);
  for await (const entry of reader) return (await buffer(entry)).toString();
  throw new Error('an archive without a file');
}

/** What one container has written another one reads, whoever served them. */
export async function writesToAVolume(world: World, name: string): Promise<void> {
  const { client, random } = world;
  const volume = `${name}-data`;
  const more = { HostConfig: { Binds: [`${volume}:/data`] } };
  const lines = random.between(1, 30);
  const script = `i=0; while [ $i -lt ${lines} ]; do echo "line $i" >> /data/log; i=$((i+1)); sleep 0.02; done; exit 6`;
  const writer = await create(world, name, script, more);
  await start(world, writer);
  await ends(world, writer, 6);
  await remove(world, writer);
  const reader = await create(world, `${name}-reader`, 'cat /data/log', more);
  await start(world, reader);
  await ends(world, reader, 0);
  const written = Array.from({ length: lines }, (_, at) => `line ${at}`);
  assert.deepEqual((await logs(world, reader)).stdout, written, 'what is in the volume');
  world.figures.files++;
  await remove(world, reader);
  for (;;) {
    await client.sure('DELETE', `/volumes/${volume}`, { accept: [204, 404, 409] });
    const { status } = await client.sure('GET', `/volumes/${volume}`, { accept: [200, 404] });
    if (status === 404) return;
    await pause(40);
  }
}

/** An image made of a container holds what that has written. */
export async function commits(world: World, name: string): Promise<void> {
  const { client, random } = world;
  const words = randomBytes(random.between(1, 20_000)).toString('hex');
  const id = await create(world, name, `echo ${words} > /var/words; exit 7`);
  await start(world, id);
  await ends(world, id, 7);
  const image = `survival/committed:${name}`;
  for (;;) {
    const answer = await client.once('POST', `/commit?container=${id}&repo=survival/committed&tag=${name}`, {
      body: {},
    });
    if (answer !== broken) assert.equal(answer.status, 201, answer.body);
    const { status } = await client.sure('GET', `/images/${image}/json`, { accept: [200, 404] });
    if (status === 200) break;
    assert.equal(answer, broken, 'a committed image is gone');
  }
  await remove(world, id);
  const reader = await create(world, `${name}-reader`, 'cat /var/words', { Image: image });
  await start(world, reader);
  await ends(world, reader, 0);
  assert.deepEqual((await logs(world, reader)).stdout, [words], 'what is in the committed image');
  world.figures.files++;
  await remove(world, reader);
  await untilGone(world, reader);
  for (;;) {
    await client.sure('DELETE', `/images/${image}`, { accept: [200, 404, 409] });
    const { status } = await client.sure('GET', `/images/${image}/json`, { accept: [200, 404] });
    if (status === 404) return;
    await pause(40);
  }
}

/** The verdict of a health check turns with what it looks at. */
export async function isProbed(world: World, name: string): Promise<void> {
  const { client } = world;
  const Healthcheck = { Test: ['CMD', 'test', '-e', '/tmp/fine'], Interval: 100_000_000, Retries: 2 };
  const id = await create(world, name, 'touch /tmp/fine; sleep 1000', { Healthcheck });
  await start(world, id);
  await untilVerdict(world, id, 'healthy');
  await runOnce(world, id, ['rm', '-f', '/tmp/fine']);
  await untilVerdict(world, id, 'unhealthy');
  await runOnce(world, id, ['touch', '/tmp/fine']);
  await untilVerdict(world, id, 'healthy');
  await client.sure('POST', `/containers/${id}/kill`, { accept: [204, 409] });
  await ends(world, id, 137);
  await remove(world, id);
}

async function untilVerdict(world: World, id: string, wanted: string): Promise<void> {
  for (;;) {
    const { State } = await inspect(world, id);
    assert.equal(State.Status, 'running');
    if (State.Health?.Status === wanted) break;
    await pause(50);
  }
  world.figures.verdicts++;
}

/** Again until it was answered: for what may be done twice. */
async function runOnce(world: World, id: string, Cmd: readonly string[]): Promise<void> {
  for (;;) {
    const { body } = await world.client.sure('POST', `/containers/${id}/exec`, { body: { Cmd }, accept: [201] });
    const exec = String(JSON.parse(body).Id);
    const ran = await world.client.once('POST', `/exec/${exec}/start`, { body: { Detach: true } });
    if (ran === broken || ran.status === 404) continue;
    assert.equal(ran.status, 200, ran.body);
    return;
  }
}
