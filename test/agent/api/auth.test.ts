import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { openRegistry } from '../../../src/agent/registry/client.ts';
import { defaultRegistryOptions } from '../../../src/agent/registry/contract.ts';
import { createShims } from '../../../src/agent/shim/client.ts';
import { openImageStore, ownPlatform } from '../../../src/agent/store/disk-store.ts';
import { type Dockerd, startDockerd } from '../../support/dockerd.ts';
import { requires } from '../../support/tools.ts';
import { freshShim } from '../shim/rig.ts';
import { serveFakes } from './fakes.ts';

/** A registry's door by the distribution specification; `kind` is the way in that it offers. */
async function fakeRegistry(
  kind: 'basic' | 'bearer' | 'open' | 'broken',
): Promise<{ address: string; asked: string[]; close(): void }> {
  const asked: string[] = [];
  const good = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
  let address = '';
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { authorization } = request.headers;
    asked.push(`${request.url?.split('?')[0]} ${authorization?.split(' ')[0] ?? '-'}`);
    const say = (status: number, body: object, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
    };
    if (kind === 'open') say(200, {});
    else if (kind === 'broken') say(500, { errors: [] });
    else if (request.url?.startsWith('/token')) {
      const { searchParams } = new URL(request.url, 'http://x');
      assert.deepEqual([searchParams.get('service'), searchParams.get('account')], ['the registry', 'ann']);
      say(authorization === good ? 200 : 401, authorization === good ? { token: 'let-in' } : { details: 'incorrect' });
    } else if (kind === 'basic') {
      const challenge = { 'WWW-Authenticate': 'Basic realm="x"' };
      authorization === good ? say(200, {}) : say(401, { errors: [{ code: 'UNAUTHORIZED' }] }, challenge);
    } else if (authorization === 'Bearer let-in') say(200, {});
    else {
      const challenge = `Bearer realm="http://${address}/token",service="the registry"`;
      say(401, { errors: [{ code: 'UNAUTHORIZED' }] }, { 'WWW-Authenticate': challenge });
    }
  };
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  address = `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
  return { address, asked, close: () => server.close() };
}

describe('api: logging in to a registry', function () {
  this.timeout(60_000);
  let agent: Awaited<ReturnType<typeof serveFakes>>;
  let dockerd: Dockerd;
  let root = '';
  before(async function () {
    requires(this, { root: true, programs: ['dockerd'] });
    root = await mkdtemp(join(tmpdir(), 'porthole-auth-'));
    const options = defaultRegistryOptions;
    const images = await openImageStore({ root, shims: createShims({ path: freshShim() }) });
    const client = await openRegistry({ root, images, options, platform: ownPlatform(), env: {} });
    const registry = { login: client.login.bind(client) };
    [agent, dockerd] = await Promise.all([serveFakes({ registry }), startDockerd()]);
  });
  after(async () => {
    await Promise.all([agent?.close(), dockerd?.stop()]);
    if (root !== '') await rm(root, { recursive: true, force: true });
  });

  const cases = [
    ['basic', 'secret', 200],
    ['basic', 'wrong', 401],
    ['bearer', 'secret', 200],
    ['bearer', 'wrong', 401],
    ['open', 'wrong', 200],
  ] as const;
  for (const [kind, password, status] of cases) {
    it(`${kind}, ${password} password: ${status < 400 ? 'let in' : 'refused'}, as by dockerd`, async () => {
      const registry = await fakeRegistry(kind);
      try {
        const body = { username: 'ann', password, serveraddress: registry.address };
        const ours = await login(agent.socket, body);
        assert.equal(ours.status, status, ours.body);
        assert.ok(registry.asked.length > 0);
        const theirs = await login(dockerd.socket, body);
        // dockerd 20.10 said 500 for a wrong password, later ones say 401.
        assert.equal(theirs.status < 400, status === 200, theirs.body);
        if (status === 200) assert.deepEqual(JSON.parse(ours.body), JSON.parse(theirs.body));
        else assert.equal(JSON.parse(ours.body).message, JSON.parse(theirs.body).message);
      } finally {
        registry.close();
      }
    });
  }

  it('a registry that is out of order or not there is no wrong password', async () => {
    const registry = await fakeRegistry('broken');
    const body = { username: 'ann', password: 'secret', serveraddress: registry.address };
    assert.match((await login(agent.socket, body)).body, /failed with status: 500 Internal Server Error/);
    registry.close();
    const gone = await login(agent.socket, body);
    assert.equal(gone.status, 503);
    assert.match(
      gone.body,
      /Get \\"http:\/\/127\.0\.0\.1:\d+\/v2\/\\": dial tcp 127\.0\.0\.1:\d+: connect: connection refused/,
    );
  });

  it('refuses what is no address', async () => {
    const no = await login(agent.socket, { username: 'a', password: 'b', serveraddress: 'a b@c' });
    assert.deepEqual([no.status, JSON.parse(no.body).message], [400, 'unable to parse server address: a b@c']);
  });
});

function login(socketPath: string, body: object): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json' };
    request({ socketPath, path: '/auth', method: 'POST', headers }, async (response) => {
      resolve({ status: response.statusCode ?? 0, body: await text(response) });
    })
      .once('error', reject)
      .end(JSON.stringify(body));
  });
}
