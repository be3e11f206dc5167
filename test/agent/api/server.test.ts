import assert from 'node:assert/strict';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import type { ImageRecord } from '../../../src/agent/store/contract.ts';
import { deferred } from '../../../src/base/async.ts';
import { isKind, PortholeError } from '../../../src/base/errors.ts';
import { ask } from '../../support/agent.ts';
import { type FakeEngine, record, serveFakes } from './fakes.ts';

describe('api: the server over given parts', () => {
  let server: Awaited<ReturnType<typeof serveFakes>> | undefined;
  const serve = async (parts: FakeEngine) => {
    server = await serveFakes(parts);
    return server;
  };
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });
  const message = (body: string): unknown => JSON.parse(body).message;

  it('its socket is for its owner only', async () => {
    const { socket } = await serve({});
    assert.equal((await stat(socket)).mode & 0o777, 0o600);
  });

  it('ping says who and which versions, also to HEAD', async () => {
    const { socket } = await serve({});
    for (const method of ['GET', 'HEAD']) {
      const { status, headers, body } = await ask(socket, method, '/_ping');
      assert.equal(status, 200);
      assert.equal(body, method === 'GET' ? 'OK' : '');
      assert.equal(headers['api-version'], '1.47');
      assert.equal(headers['ostype'], 'linux');
      assert.equal(headers['docker-experimental'], 'false');
      assert.match(String(headers['server']), /^Porthole\//);
    }
  });

  it('an unknown path, with and without a version', async () => {
    const { socket } = await serve({});
    for (const path of ['/nope', '/v1.41/nope', '/v1.41', '/containers/x/nope/json', '/']) {
      const { status, body } = await ask(socket, 'GET', path);
      assert.equal(status, 404, path);
      assert.deepEqual(JSON.parse(body), { message: 'page not found' });
    }
  });

  it('each kind of failure has its status and Docker’s shape', async () => {
    const kinds = {
      'not-found': 404,
      conflict: 409,
      invalid: 400,
      unauthorized: 401,
      forbidden: 403,
      unavailable: 503,
      'not-modified': 304,
      unsupported: 501,
      internal: 500,
    } as const;
    let next: Error = new Error();
    const { socket, failures } = await serve({ containers: { start: async () => Promise.reject(next) } });
    for (const [kind, expected] of Object.entries(kinds)) {
      const known = Object.keys(kinds).find((one): one is keyof typeof kinds => one === kind);
      assert.ok(known);
      next = new PortholeError(known, `because ${kind}`);
      const { status, body } = await ask(socket, 'POST', '/containers/a/start');
      assert.equal(status, expected);
      assert.equal(body === '' ? undefined : message(body), expected === 304 ? undefined : `because ${kind}`);
    }
    next = new TypeError('a bug');
    assert.equal((await ask(socket, 'POST', '/containers/a/start')).status, 500);
    // The two that are the agent's own fault are told to its log, nothing else.
    assert.equal(failures.length, 2);
  });

  it('what is not there says so by name', async () => {
    const { socket } = await serve({});
    const { status, body } = await ask(socket, 'POST', '/networks/create', {});
    assert.equal(status, 501);
    assert.equal(message(body), 'Creating networks is not implemented in Porthole yet');
  });

  describe('bodies', () => {
    const cases: readonly [what: string, body: string, type: string, expected: RegExp][] = [
      ['none', '', 'application/json', /got EOF/],
      ['malformed', '{"Image"', 'application/json', /^invalid JSON: /],
      ['another type', '{}', 'text/plain', /^unsupported Content-Type header \(text\/plain\)/],
      [
        'a wrong field',
        '{"HostConfig":{"Memory":"lots"}}',
        'application/json',
        /^invalid value for HostConfig.Memory: /,
      ],
      ['a wrong element', '{"Env":["A=1",7]}', 'application/json', /^invalid value for Env.1: /],
      ['no object', '[]', 'application/json', /^invalid value for the request body: /],
      [
        'too large',
        `{"Image":"${'x'.repeat(40 << 20)}"}`,
        'application/json',
        /^the request body is larger than 4194304/,
      ],
    ];
    for (const [what, body, type, expected] of cases) {
      it(`${what} is refused`, async () => {
        const { socket } = await serve({});
        const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
          const sending = request(
            { socketPath: socket, method: 'POST', path: '/containers/create', headers: { 'Content-Type': type } },
            async (response) => {
              const [parts] = await Promise.all([response.toArray(), isOut]);
              resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() });
            },
          );
          // The answer may come before the body is out: the rest is taken, too.
          const isOut = once(sending, 'finish');
          sending.once('error', reject).end(body);
        });
        assert.equal(answer.status, 400);
        assert.match(String(message(answer.body)), expected);
      });
    }

    it('null reads as absent, unknown fields do no harm', async () => {
      let given: unknown;
      const { socket } = await serve({
        containers: {
          create: async (options) => {
            given = options;
            return { id: 'x', warnings: [] };
          },
        },
      });
      const body = { Image: 'a', Cmd: null, Env: null, New: 1, HostConfig: { Binds: null, NetworkMode: 'none' } };
      const { status } = await ask(socket, 'POST', '/v1.47/containers/create?name=n', body);
      assert.equal(status, 201);
      const { config, hostConfig, ...rest } = Object(given);
      assert.deepEqual(rest, { name: 'n', readOnlyNonRecursive: false });
      assert.deepEqual(JSON.parse(JSON.stringify(config)), { Image: 'a' });
      assert.deepEqual(JSON.parse(JSON.stringify(hostConfig)), { NetworkMode: 'none' });
    });
  });

  it('an archive that is refused at its beginning: the client still hears why', async () => {
    const { socket } = await serve({
      images: {
        load: async (archive) => {
          for await (const part of archive)
            throw new PortholeError('invalid', `it begins with ${String(part).slice(0, 4)}`);
          return [];
        },
      },
    });
    const body = await new Promise<string>((resolve, reject) => {
      const sending = request({ socketPath: socket, method: 'POST', path: '/images/load' }, async (response) => {
        const [parts] = await Promise.all([response.toArray(), isOut]);
        resolve(Buffer.concat(parts).toString());
      });
      const isOut = once(sending, 'finish');
      sending.once('error', reject).end(Buffer.alloc(50 << 20, 'junk'));
    });
    assert.deepEqual(JSON.parse(body), {
      errorDetail: { message: 'it begins with junk' },
      error: 'it begins with junk',
    });
  });

  it('an upload that breaks off ends the reading of it', async () => {
    const { promise, resolve } = deferred<unknown>();
    const { socket } = await serve({
      images: {
        load: async (archive) => {
          const failure = await archive
            .resume()
            .toArray()
            .then(
              () => 'complete',
              (thrown: unknown) => thrown,
            );
          resolve(failure);
          throw failure;
        },
      },
    });
    const client = connect(socket, () => {
      client.write('POST /images/load HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\npart');
      void ask(socket, 'GET', '/_ping').then(() => client.destroy());
    });
    assert.ok(isKind(await promise, 'canceled'));
  });

  it('a client that goes away aborts its request', async () => {
    const aborted = new Promise<string>((resolve) => {
      void serve({
        containers: {
          get: () => record(),
          wait: (_id, condition, abort) =>
            new Promise((_, reject) => {
              abort.addEventListener('abort', () => {
                resolve(condition);
                reject(new PortholeError('canceled', 'gone'));
              });
            }),
        },
      }).then(({ socket }) => {
        const client = connect(socket, () => {
          client.write('POST /containers/a/wait?condition=removed HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
        });
        // The headers come before anything has happened: `docker run` starts the container only then.
        client.once('data', () => client.destroy());
      });
    });
    assert.equal(await aborted, 'removed');
  });

  it('logs need a stream, and end with it', async () => {
    const { socket } = await serve({
      containers: { logs: () => ({ tty: true, stream: Readable.from([Buffer.from('one\n'), Buffer.from('two\n')]) }) },
    });
    assert.equal((await ask(socket, 'GET', '/containers/a/logs')).status, 400);
    const { body, headers } = await ask(socket, 'GET', '/containers/a/logs?stdout=1');
    assert.equal(body, 'one\ntwo\n');
    assert.equal(headers['content-type'], 'application/vnd.docker.raw-stream');
  });

  describe('events', () => {
    const event = { type: 'container', id: 'c1', attributes: { name: 'web', image: 'busybox:1' } } as const;

    it('past ones by since and until, in dockerd’s shape', async () => {
      const { socket, events } = await serve({});
      events.announce({ ...event, action: 'create' });
      events.announce({ type: 'image', action: 'tag', id: 'i1', attributes: { name: 'x:1' } });
      const until = (Date.now() / 1000).toFixed(3);
      const { body } = await ask(socket, 'GET', `/events?since=1&until=${until}`);
      const lines = body.trim().split('\n');
      assert.equal(lines.length, 2);
      const { time, timeNano, ...first } = JSON.parse(lines[0] ?? '');
      assert.deepEqual(first, {
        status: 'create',
        id: 'c1',
        from: 'busybox:1',
        Type: 'container',
        Action: 'create',
        Actor: { ID: 'c1', Attributes: { name: 'web', image: 'busybox:1' } },
        scope: 'local',
      });
      assert.equal(time, Math.floor(timeNano / 1e9));
    });

    it('live ones, filtered, one line each', async () => {
      const { socket, events } = await serve({});
      const filters = encodeURIComponent(JSON.stringify({ event: ['exec_create', 'die'], container: ['web'] }));
      const client = connect(socket, () => client.write(`GET /events?filters=${filters} HTTP/1.1\r\nHost: x\r\n\r\n`));
      client.setEncoding('utf8');
      const [head] = await once(client, 'data');
      assert.match(String(head), /^HTTP\/1.1 200 OK/);
      events.announce({ ...event, action: 'start' });
      events.announce({ ...event, action: 'die', attributes: { name: 'other' }, id: 'c2' });
      events.announce({ ...event, action: 'exec_create: sh -c x' });
      const [line] = await once(client, 'data');
      assert.match(String(line), /"Action":"exec_create: sh -c x"/);
      client.destroy();
    });
  });

  it('of an ancestor are also the containers of images that were made from it', async () => {
    const image = (id: string, parent?: string): ImageRecord => ({
      ...{ id, tags: [], digests: [], size: 0, hasChildren: parent !== 'middle', created: '2026-01-01T00:00:00Z' },
      config: { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } },
      ...(parent !== undefined && { parent }),
    });
    const images = [image('top', 'middle'), image('middle', 'base'), image('base'), image('other')];
    const { socket } = await serve({
      containers: { list: () => images.map(({ id }) => record({ id, name: id, imageId: id })) },
      images: {
        list: () => images,
        get: (name) => {
          const found = images.find(({ id }) => id === name);
          if (!found) throw new PortholeError(name === 'A' ? 'invalid' : 'not-found', name);
          return found;
        },
      },
    });
    for (const [ancestor, expected] of [
      ['base', ['/top', '/middle', '/base']],
      ['middle', ['/top', '/middle']],
      ['other', ['/other']],
      ['nothing', []],
      ['A', []],
    ] as const) {
      const filters = encodeURIComponent(JSON.stringify({ ancestor: [ancestor] }));
      const { body } = await ask(socket, 'GET', `/containers/json?all=1&filters=${filters}`);
      assert.deepEqual(
        JSON.parse(body).map((one: { Names: string[] }) => one.Names[0]),
        expected,
      );
    }
  });

  it('a list shows what the filters ask for', async () => {
    const old = record({ id: '1'.repeat(64), name: 'old', created: '2026-01-01T00:00:00Z' });
    const { state } = old;
    const young = record({
      id: '2'.repeat(64),
      name: 'young',
      created: '2026-01-02T00:00:00Z',
      config: { Labels: { tier: 'back' } },
      state: { ...state, status: 'running', pid: 7, exitCode: 0 },
    });
    const image = new PortholeError('not-found', 'No such image');
    const { socket } = await serve({
      containers: {
        list: () => [old, young],
        get: (name) => (name === 'old' ? old : young),
      },
      images: {
        get: () => {
          throw image;
        },
      },
    });
    const names = async (query: string, filters: object = {}) => {
      const path = `/containers/json?${query}&filters=${encodeURIComponent(JSON.stringify(filters))}`;
      const { status, body } = await ask(socket, 'GET', path);
      assert.equal(status, 200, body);
      return JSON.parse(body).map((one: { Names: string[] }) => one.Names[0]);
    };
    assert.deepEqual(await names(''), ['/young']);
    assert.deepEqual(await names('all=1'), ['/young', '/old']);
    assert.deepEqual(await names('limit=1'), ['/young']);
    assert.deepEqual(await names('', { status: ['exited'] }), ['/old']);
    assert.deepEqual(await names('', { exited: ['3'] }), ['/old']);
    assert.deepEqual(await names('all=1', { label: ['tier=front'] }), ['/old']);
    assert.deepEqual(await names('all=1', { name: ['^/o'] }), ['/old']);
    assert.deepEqual(await names('all=1', { id: ['22'] }), ['/young']);
    assert.deepEqual(await names('all=1', { before: ['young'] }), ['/old']);
    assert.deepEqual(await names('all=1', { since: ['old'] }), ['/young']);
    assert.deepEqual(await names('all=1', { ancestor: ['nothing'] }), []);
    assert.deepEqual(await names('all=1', { network: ['none'] }), ['/young', '/old']);
    assert.deepEqual(await names('all=1', { network: ['host'] }), []);
    assert.deepEqual(await names('all=1', { health: ['healthy'] }), []);
    const bad = await ask(socket, 'GET', `/containers/json?filters=${encodeURIComponent('{"status":["odd"]}')}`);
    assert.equal(bad.status, 400);
  });
});
