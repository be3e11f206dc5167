import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type Method, made, running, status } from './method.ts';

/** The engine as a whole, and its lists of containers. */
export const engineMethods: Readonly<Record<string, Method>> = {
  'docker.createContainer': async (given) => {
    const container = await made(given, ['true'], { name: 'made' });
    assert.match(container.id, /^[0-9a-f]{64}$/);
  },
  'docker.getContainer': async (given) => {
    const { id } = await made(given, ['true'], { name: 'got' });
    assert.equal((await given.docker.getContainer('got').inspect()).Id, id);
    assert.equal((await given.docker.getContainer(id.slice(0, 12)).inspect()).Id, id);
  },
  'docker.getExec': async (given) => {
    const exec = await (await running(given)).exec({ Cmd: ['true'] });
    assert.equal((await given.docker.getExec(exec.id).inspect()).ID, exec.id);
  },
  'docker.listContainers': async (given) => {
    await made(given, ['true'], { name: 'one', Labels: { team: 'x' } });
    await running(given, ['sleep', '100'], { name: 'two' });
    const names = async (options: object) => (await given.docker.listContainers(options)).flatMap(({ Names }) => Names);
    assert.deepEqual(await names({}), ['/two']);
    assert.deepEqual(await names({ all: true }), ['/two', '/one']);
    assert.deepEqual(await names({ all: true, filters: { label: ['team=x'] } }), ['/one']);
    assert.deepEqual(await names({ limit: 1 }), ['/two']);
  },
  'docker.pruneContainers': async (given) => {
    const { id } = await made(given, ['true']);
    assert.deepEqual(await given.docker.pruneContainers(), { ContainersDeleted: [id], SpaceReclaimed: 0 });
  },
  'docker.run': async ({ docker, image }) => {
    const output = new PassThrough();
    const said = text(output);
    const [result, container]: [{ StatusCode: number }, { id: string }] = await docker.run(
      image,
      ['sh', '-c', 'echo run; exit 7'],
      output,
      { Tty: true },
    );
    assert.equal(result.StatusCode, 7);
    assert.match(container.id, /^[0-9a-f]{64}$/);
    assert.equal(await said, 'run\r\n');
  },
  'docker.runCallback': async ({ docker, image }) => {
    const result = await new Promise((resolve, reject) => {
      docker.run(
        image,
        ['sh', '-c', 'exit 8'],
        new PassThrough().resume(),
        {},
        {},
        (failure: unknown, data: unknown) => (failure ? reject(failure) : resolve(data)),
      );
    });
    assert.deepEqual(result, { StatusCode: 8 });
  },
  'docker.runPromise': async ({ docker, image }) => {
    const output = new PassThrough();
    const errors = new PassThrough();
    const [out, err] = [text(output), text(errors)];
    const [result] = await docker.run(image, ['sh', '-c', 'echo out; echo err >&2'], [output, errors], { Tty: false });
    output.end();
    errors.end();
    assert.deepEqual([result, await out, await err], [{ StatusCode: 0 }, 'out\n', 'err\n']);
  },
  'docker.info': async ({ docker }) => {
    const info: { OSType: string; Driver: string; Containers: number } = await docker.info();
    assert.deepEqual([info.OSType, info.Driver, info.Containers], ['linux', 'overlay2', 0]);
  },
  'docker.version': async ({ docker }) => {
    const version = await docker.version();
    assert.equal(version.Os, 'linux');
    assert.match(version.ApiVersion, /^1\.\d+$/);
  },
  'docker.ping': async ({ docker }) => {
    assert.equal(String(await docker.ping()), 'OK');
  },
  'docker.df': async (given) => {
    await made(given, ['true']);
    await given.docker.createVolume({ Name: 'counted' });
    const df: { Images: unknown[]; Containers: unknown[]; Volumes: { Name: string }[]; LayersSize: number } =
      await given.docker.df();
    assert.deepEqual([df.Images.length, df.Containers.length, df.Volumes.map(({ Name }) => Name)], [1, 1, ['counted']]);
    assert.ok(df.LayersSize > 0);
  },
  'docker.getEvents': async (given) => {
    const since = Date.now() / 1000;
    const { id } = await made(given, ['true'], { name: 'told' });
    const stream = await given.docker.getEvents({
      since,
      until: Date.now() / 1000 + 0.2,
      filters: { container: ['told'] },
    });
    const [first] = (await text(stream)).split('\n');
    const event: { Type: string; Action: string; Actor: { ID: string } } = JSON.parse(first ?? '');
    assert.deepEqual([event.Type, event.Action, event.Actor.ID], ['container', 'create', id]);
  },
  'docker.checkAuth': async ({ docker }) => {
    const right = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
    const registry = createServer(({ headers }, response) => {
      const isIn = headers.authorization === right;
      response.writeHead(isIn ? 200 : 401, isIn ? {} : { 'WWW-Authenticate': 'Basic realm="x"' }).end('{}');
    });
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    try {
      const bound = registry.address();
      assert.ok(typeof bound === 'object' && bound !== null);
      const login = { username: 'ann', password: 'secret', serveraddress: `127.0.0.1:${bound.port}` };
      const { Status }: { Status: string } = await docker.checkAuth(login);
      assert.equal(Status, 'Login Succeeded');
      await assert.rejects(docker.checkAuth({ ...login, password: 'wrong' }), status(401));
    } finally {
      registry.close();
    }
  },
  'docker.listNetworks': async ({ docker }) => {
    assert.ok((await docker.listNetworks()).some(({ Name }) => Name === 'none'));
  },
  'docker.getNetwork': async ({ docker }) => {
    assert.equal((await docker.getNetwork('none').inspect()).Driver, 'null');
    await assert.rejects(docker.getNetwork('nothing').inspect(), status(404));
  },
  'docker.pruneNetworks': async ({ docker }) => {
    assert.equal((await docker.pruneNetworks()).NetworksDeleted, null);
  },
  'docker.pruneBuilder': async ({ docker }) => {
    assert.equal((await docker.pruneBuilder()).SpaceReclaimed, 0);
  },
  'docker.listPlugins': async ({ docker }) => {
    assert.deepEqual(await docker.listPlugins(), []);
  },
};
