import assert from 'node:assert/strict';
import { until } from '../../../scripts/processes.ts';
import { HostModel } from '../../../src/extension/model/host-model.ts';
import { LyingEngine, lyingHost } from '../../support/lying-engine.ts';

const container = (Id: string, more: object = {}) => ({
  Id,
  Names: [`/${Id}`],
  Image: 'img',
  ImageID: 'sha256:1',
  Command: 'run',
  State: 'running',
  Status: 'Up 2 minutes',
  ...more,
});

describe('a model of an engine that lies', function () {
  this.timeout(60_000);
  let engine: LyingEngine;
  let model: HostModel;

  beforeEach(async () => {
    engine = await LyingEngine.start();
    engine.lies.set('/containers/json', { body: [container('one')] });
    engine.lies.set('/images/json', { body: [{ Id: 'sha256:1', RepoTags: ['img:1'], Size: 1, Created: 1 }] });
  });
  afterEach(async () => {
    model?.dispose();
    await engine?.stop();
  });

  const begin = () => {
    model = new HostModel(lyingHost(engine), { engines: ['docker'] });
  };
  const view = () => model.engines[0];
  const problem = (of: string) => view()?.problems.find((one) => one.of === of)?.why.message;
  const becomes = (what: string, look: () => boolean) => until(what, async () => look());

  for (const [path, of] of [
    ['/containers/json', 'containers'],
    ['/images/json', 'images'],
    ['/volumes', 'volumes'],
  ] as const) {
    it(`that refuses ${path} keeps what it told before, says so, and is believed again`, async () => {
      begin();
      await becomes('the lists', () => view()?.containers.length === 1 && view()?.images.length === 1);
      const honest = engine.lies.get(path);
      engine.lies.set(path, { status: 500, body: { message: 'the disk is on fire' } });
      await model.refresh();
      await becomes('the problem', () => /the disk is on fire/.test(problem(of) ?? ''));
      assert.equal(view()?.containers.length, 1);
      assert.equal(view()?.images.length, 1);
      if (honest) engine.lies.set(path, honest);
      else engine.lies.delete(path);
      await model.refresh();
      await becomes('no problem', () => view()?.problems.length === 0);
    });
  }

  it('that refuses from the beginning is there with what it tells', async () => {
    engine.lies.set('/images/json', { status: 500, body: { message: 'no images today' } });
    begin();
    await becomes('its containers', () => view()?.containers.length === 1);
    await becomes('the problem', () => /no images today/.test(problem('images') ?? ''));
  });

  it('that answers what is no JSON, or no list, is named', async () => {
    engine.lies.set('/containers/json', { body: '[{"Id": "one"' });
    engine.lies.set('/images/json', { body: { list: [] } });
    begin();
    await becomes('both problems', () => problem('containers') !== undefined && problem('images') !== undefined);
    assert.match(problem('containers') ?? '', /not a list/);
  });

  it('whose entries are half nonsense shows the other half, each once', async () => {
    const Huge = 'x'.repeat(100_000);
    engine.lies.set('/containers/json', {
      body: [
        null,
        7,
        { Names: ['/nobody'] },
        container('one'),
        container('one'),
        { Id: 'two', Names: null, Labels: 'none', Status: 5, Mounts: {}, State: {} },
        container('three', { Names: [Huge], Labels: { a: Huge } }),
      ],
    });
    begin();
    await becomes('the containers', () => view()?.containers.length === 3);
    assert.deepEqual(
      view()?.containers.map(({ id }) => id),
      ['one', 'two', 'three'],
    );
    await becomes('the problem', () => /^3 entries/.test(problem('containers') ?? ''));
  });

  it('that tells no events is read all the same', async () => {
    engine.lies.set('/events', { status: 500, body: { message: 'no events' } });
    begin();
    await becomes('its containers', () => view()?.containers.length === 1);
    await becomes('the problem', () => /no events/.test(problem('events') ?? ''));
  });

  it('whose events break again and again is named, and what it has told stays', async () => {
    begin();
    await becomes('its containers', () => view()?.containers.length === 1);
    await until('the problem', async () => {
      engine.breakEvents();
      return /breaks again/.test(problem('events') ?? '');
    });
    assert.equal(view()?.containers.length, 1);
  });

  it('whose events are nonsense is followed on', async () => {
    begin();
    await becomes('its containers', () => view()?.containers.length === 1);
    engine.event('{"Type":');
    engine.event('null');
    engine.event(JSON.stringify({ Type: 'container', Action: 'start' }));
    engine.lies.set('/containers/json', { body: [container('one', { Names: ['/other'] })] });
    engine.event(JSON.stringify({ Type: 'container', Action: 'rename', Actor: { ID: 'one' } }));
    await becomes('the new name', () => view()?.containers[0]?.name === 'other');
  });

  it('whose inspection is nonsense still shows how a container ended', async () => {
    engine.lies.set('/containers/json', {
      body: [container('one', { State: 'exited', Status: 'Exited (3) a while ago' })],
    });
    engine.lies.set('/containers/one/json', { body: { State: 'no' } });
    begin();
    await becomes('its container', () => view()?.containers.length === 1);
    assert.equal(view()?.containers[0]?.exitCode, 3);
  });

  it('tells health, networks and labels of its list', async () => {
    engine.lies.set('/containers/json', {
      body: [
        container('one', {
          Status: 'Up 2 minutes (unhealthy)',
          Labels: { tier: 'web' },
          NetworkSettings: { Networks: { front: {}, back: {} } },
        }),
        container('two', { HostConfig: { NetworkMode: 'container:one' }, Status: 'Up 1 second (health: starting)' }),
      ],
    });
    begin();
    await becomes('its containers', () => view()?.containers.length === 2);
    const [one, two] = view()?.containers ?? [];
    assert.deepEqual([one?.health, one?.networks, one?.labels], ['unhealthy', ['back', 'front'], { tier: 'web' }]);
    assert.deepEqual([two?.health, two?.networks], ['starting', ['container:one']]);
  });
});
