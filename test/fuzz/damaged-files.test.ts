import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { starterImage } from '../../scripts/starter-image.ts';
import { ask } from '../support/agent.ts';
import { requires } from '../support/tools.ts';
import { mutateSomewhere } from './mutate.ts';
import { Random } from './random.ts';
import { openWorld, type World } from './world.ts';

const seed = Number(process.env['PORTHOLE_SEED'] ?? Date.now() % 1_000_000);
const count = 24;

describe(`fuzz: files of the engine that were damaged while it was not there (PORTHOLE_SEED=${seed})`, function () {
  this.timeout(120_000);
  let world: World;
  const random = new Random(seed);
  const get = (path: string) => ask(world.agent.socket, 'GET', path);

  before(async function () {
    requires(this, { root: true });
    world = await openWorld();
    await world.restore();
  });
  after(() => world?.close());

  /** Every second one is no JSON any more; the others are, with one place changed. */
  function damaged(text: string, index: number): Buffer {
    if (index % 2 === 1) {
      const value = JSON.parse(text);
      mutateSomewhere(value, random);
      return Buffer.from(JSON.stringify(value));
    }
    const whole = Buffer.from(text);
    const bytes = [
      Buffer.alloc(0),
      whole.subarray(0, random.below(whole.length)),
      random.bytes(300),
      Buffer.alloc(200),
      Buffer.from('null'),
      Buffer.from('[]'),
    ];
    return random.pick(bytes);
  }

  /** Damages the files, looks, and puts back what was there. */
  async function withDamage(files: readonly string[], look: () => Promise<void>): Promise<void> {
    await world.agent.kill9();
    const before = files.map((file) => readFileSync(file));
    const damages = before.map((bytes, index) => damaged(bytes.toString(), index));
    for (const [index, file] of files.entries()) writeFileSync(file, damages[index] ?? '');
    await world.agent.restart();
    try {
      await look();
    } finally {
      await world.agent.kill9();
      for (const [index, file] of files.entries()) writeFileSync(file, before[index] ?? '');
      await world.agent.restart();
    }
  }

  const lists = [
    '/containers/json?all=1&size=1',
    '/info',
    '/system/df',
    '/volumes',
    '/porthole/v1/history?trace=1',
    '/images/json',
    '/containers/json?all=1&filters=%7B%22health%22%3A%5B%22none%22%5D%2C%22volume%22%3A%5B%22x%22%5D%7D',
  ];

  async function othersLive(): Promise<void> {
    for (const path of lists) {
      const { status, body } = await get(path);
      assert.equal(status, 200, `${path}: ${body}`);
    }
    const { status, body } = await get('/containers/runs/json');
    assert.equal(status, 200, body);
    assert.equal(JSON.parse(body).State.Running, true);
  }

  it('container.json: the agent starts, names the file, and the others live; mended, it is there again', async () => {
    const ids: string[] = [];
    for (let index = 0; index < count; index++) {
      const { body } = await ask(world.agent.socket, 'POST', `/containers/create?name=c${index}`, {
        Image: starterImage,
        Cmd: ['sleep', '1000'],
        Labels: { a: 'b' },
        Healthcheck: { Test: ['NONE'] },
        HostConfig: { NetworkMode: 'none', Binds: [`${world.places.scratch}:/x`], Memory: 64 << 20 },
      });
      ids.push(JSON.parse(body).Id);
    }
    const [running = ''] = ids;
    await ask(world.agent.socket, 'POST', `/containers/${running}/start`);
    const pid: unknown = JSON.parse((await get(`/containers/${running}/json`)).body).State.Pid;
    const files = ids.map((id) => join(world.agent.dataRoot, 'containers', id, 'container.json'));
    await withDamage(files, async () => {
      await othersLive();
      const listed: { Id: string }[] = JSON.parse((await get('/containers/json?all=1')).body);
      for (const [index, id] of ids.entries()) {
        const isListed = listed.some(({ Id }) => Id === id);
        const isNamed =
          world.agent.stderr().includes(`${id}/container.json`) || world.agent.stderr().includes(`${id} is left out`);
        assert.ok(
          isListed !== isNamed,
          `${files[index]} is ${isListed ? 'listed and named' : 'neither listed nor named'}`,
        );
        if (!isListed) continue;
        const { status, body } = await get(`/containers/${id}/json`);
        assert.equal(status, 200, body);
      }
      assert.ok(!listed.some(({ Id }) => Id === running));
    });
    const mended = JSON.parse((await get(`/containers/${running}/json`)).body).State;
    assert.deepEqual([mended.Running, mended.Pid], [true, pid]);
    const { status } = await ask(world.agent.socket, 'POST', '/containers/c1/start');
    assert.equal(status, 204);
  });

  it('volume.json: its files stay, nobody gets its name, the others live', async () => {
    const names = Array.from({ length: count }, (_, index) => `v${index}`);
    for (const Name of names) await ask(world.agent.socket, 'POST', '/volumes/create', { Name, Labels: { a: 'b' } });
    const files = names.map((name) => join(world.agent.dataRoot, 'volumes', name, 'volume.json'));
    for (const name of names) writeFileSync(join(world.agent.dataRoot, 'volumes', name, '_data/f'), name);
    await withDamage(files, async () => {
      await othersLive();
      for (const [index, name] of names.entries()) {
        const { status } = await get(`/volumes/${name}`);
        if (status === 200) continue;
        assert.match(world.agent.stderr(), new RegExp(`volume ${name} is left out: `), files[index]);
        assert.equal((await ask(world.agent.socket, 'POST', '/volumes/create', { Name: name })).status, 409);
      }
    });
    for (const name of names.filter((_, index) => index % 2 === 0)) {
      assert.equal(readFileSync(join(world.agent.dataRoot, 'volumes', name, '_data/f'), 'utf8'), name);
    }
  });

  it('history: what can be read is told', async () => {
    const { Id: id } = JSON.parse((await get('/containers/runs/json')).body);
    await get('/porthole/v1/history');
    const file = join(world.agent.dataRoot, 'history', `${id}.jsonl`);
    await world.agent.kill9();
    const [first = '', ...rest] = readFileSync(file, 'utf8').trimEnd().split('\n');
    const lines = [
      'null',
      '5',
      '{}',
      '[]',
      '"x"',
      '{"time":5}',
      'garbage\0',
      first.slice(0, 40),
      '{"time":"x","id":"x","name":"x","event":"x"}',
    ];
    const spoilt = JSON.stringify({ ...JSON.parse(first), gzipTrace: 'AAAA' });
    writeFileSync(file, [...lines, spoilt, first, ...rest, '{"cut'].join('\n'));
    await world.agent.restart();
    await othersLive();
    for (const path of ['history', 'history?trace=1', 'history?limit=1', 'history?since=1']) {
      const { status, body } = await get(`/porthole/v1/containers/runs/${path}`);
      assert.equal(status, 200, body);
    }
    const told: { time: string }[] = JSON.parse((await get('/porthole/v1/containers/runs/history')).body);
    assert.ok(told.filter(({ time }) => time === JSON.parse(first).time).length === 2, 'both good lines are there');
  });

  it('everything else that lies in a container’s directory: its own requests fail at most', async () => {
    const { Id: id } = JSON.parse((await get('/containers/c2/json')).body);
    const { Id: live } = JSON.parse((await get('/containers/runs/json')).body);
    const files = ['config.json', 'trace.json'].map((name) => join(world.agent.dataRoot, 'containers', live, name));
    await withDamage(files, async () => {
      await othersLive();
      for (const path of ['plan', 'trace'])
        assert.ok((await get(`/porthole/v1/containers/${live}/${path}`)).status <= 500);
      assert.equal((await ask(world.agent.socket, 'POST', `/containers/${id}/start`)).status, 204);
    });
  });
});
