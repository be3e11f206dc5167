import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { isKind } from '../../../src/base/errors.ts';
import { type RunningRegistry, startRegistry } from '../../support/registry.ts';
import { ChaosProxy, isBlobUrl } from './proxy.ts';
import { loadNoise, RegistryRig, signal } from './rig.ts';

const auth = { username: 'ann', password: 'secret' };
const wrong = { username: 'ann', password: 'wrong' };

describe('registry: with passwords (htpasswd)', function () {
  const rig = RegistryRig.for(this, ['docker-registry', 'htpasswd']);
  let registry: RunningRegistry;
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'porthole-htpasswd-'));
    const line = execFileSync('htpasswd', ['-Bbn', auth.username, auth.password]);
    await writeFile(join(directory, 'passwords'), line);
    const path = join(directory, 'passwords');
    registry = await startRegistry({ config: `auth: { htpasswd: { realm: here, path: ${path} } }` });
  });
  after(async () => {
    await registry?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('logs in, pushes and pulls with the right one only', async () => {
    const [source, target] = [await rig.side(), await rig.side()];
    const name = `${registry.host}/locked:1`;
    const serverAddress = registry.host;
    const id = await loadNoise(source, { tag: name, sizes: [1000] });
    await assert.rejects(source.registry.push(name, { signal }), /no basic auth credentials/);
    await assert.rejects(source.registry.push(name, { auth: wrong, signal }), /unauthorized: authentication required/);
    await source.registry.push(name, { auth, signal });
    await assert.rejects(target.registry.pull(name, { signal }), /^PortholeError: Head .*no basic auth credentials/);
    await assert.rejects(target.registry.pull(name, { auth: wrong, signal }), /unauthorized/);
    assert.deepEqual(target.images.list(), []);
    assert.equal((await target.registry.pull(name, { auth, signal })).id, id);
    assert.deepEqual(await target.registry.login({ ...auth, serverAddress }, { signal }), { identityToken: '' });
    const refused = target.registry.login({ ...wrong, serverAddress }, { signal });
    await assert.rejects(refused, (failure) => isKind(failure, 'unauthorized'));
  });
});

/** A token server by the distribution project's documentation: tokens are JWTs signed with a key that a certificate shows. */
class TokenServer {
  host = '';
  readonly asked: { readonly method: string; readonly scope: string; readonly by: string }[] = [];
  lifeSeconds = 300;
  refreshTokens = false;
  readonly #key: KeyObject;
  readonly #certificate: string;
  readonly #server: Server;

  constructor(directory: string) {
    const [cert, key] = ['server.crt', 'server.key'].map((name) => readFileSync(join(directory, name)));
    this.#server = createServer({ cert, key }, (request, response) => {
      this.#answer(request, response).catch((failure) => response.destroy(failure));
    });
    this.#key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const signing = join(directory, 'token.key');
    writeFileSync(signing, this.#key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const path = join(directory, 'token.crt');
    const subject = ['-subj', '/CN=tokens', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', '-new', '-key', signing, '-out', path, ...subject], { stdio: 'pipe' });
    this.#certificate = readFileSync(path, 'utf8').replace(/-----[A-Z ]+-----|\s/g, '');
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const bound = this.#server.address();
    this.host = `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams((await buffer(request)).toString());
    const { searchParams } = new URL(request.url ?? '/', 'http://x');
    const scopes = [...searchParams.getAll('scope'), ...(form.get('scope')?.split(' ') ?? [])];
    const basic = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
    const isKnown = request.headers.authorization === basic || form.get('refresh_token') === 'kept';
    const isNobody = request.headers.authorization === undefined && !form.has('refresh_token');
    const by = isKnown ? 'ann' : isNobody ? 'nobody' : 'somebody else';
    this.asked.push({ method: request.method ?? '', scope: scopes.join(' '), by });
    const say = (status: number, body: object): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    };
    if (by === 'somebody else') return say(401, { details: 'incorrect username or password' });
    // Whoever is nobody may read what is public.
    const access = scopes.flatMap((scope) => {
      const [type, name = '', actions = ''] = scope.split(':');
      if (isNobody && !name.startsWith('public/')) return [];
      return [{ type, name, actions: actions.split(',').filter((action) => isKnown || action === 'pull') }];
    });
    const token = this.#sign(access);
    const refresh = this.refreshTokens && searchParams.has('offline_token') ? { refresh_token: 'kept' } : {};
    say(200, { token, expires_in: this.lifeSeconds, issued_at: new Date().toISOString(), ...refresh });
  }

  #sign(access: object[]): string {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = Math.floor(Date.now() / 1000);
    const head = part({ typ: 'JWT', alg: 'RS256', x5c: [this.#certificate] });
    const times = { exp: now + Math.ceil(this.lifeSeconds), nbf: now - 10, iat: now };
    const claims = part({ iss: 'tokens', aud: 'the registry', sub: 'ann', jti: String(now), ...times, access });
    return `${head}.${claims}.${sign('RSA-SHA256', Buffer.from(`${head}.${claims}`), this.#key).toString('base64url')}`;
  }
}

describe('registry: with a token server, behind TLS', function () {
  const rig = RegistryRig.for(this, ['docker-registry', 'openssl']);
  let directory: string;
  let tokens: TokenServer;
  let registry: RunningRegistry;
  let certificates: string;
  let plain: RunningRegistry;
  let proxy: ChaosProxy;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'porthole-tls-'));
    makeAuthority(directory);
    tokens = new TokenServer(directory);
    await tokens.listen();
    const settings = `realm: https://${tokens.host}/token, service: the registry, issuer: tokens`;
    const config = `auth: { token: { ${settings}, rootcertbundle: ${join(directory, 'token.crt')} } }`;
    const tls = { certificate: join(directory, 'server.crt'), key: join(directory, 'server.key') };
    [registry, plain] = await Promise.all([startRegistry({ config, tls }), startRegistry({ config })]);
    proxy = await ChaosProxy.before(plain.host);
    certificates = join(directory, 'certs.d');
    for (const host of [registry.host, proxy.host]) {
      await mkdir(join(certificates, host), { recursive: true });
      await writeFile(join(certificates, host, 'ca.crt'), readFileSync(join(directory, 'ca.crt')));
    }
  });
  after(async () => {
    await proxy?.close();
    await Promise.all([tokens?.close(), registry?.stop(), plain?.stop()]);
    await rm(directory, { recursive: true, force: true });
  });
  beforeEach(() => {
    Object.assign(tokens, { lifeSeconds: 300, refreshTokens: false });
    tokens.asked.length = 0;
  });

  it('pushes and pulls with tokens of the scope that each needs', async () => {
    const [source, target] = [await rig.side({ certificates }), await rig.side({ certificates })];
    const name = `${registry.host}/private/box:1`;
    const id = await loadNoise(source, { tag: name, sizes: [1000, 2000] });
    await source.registry.push(name, { auth, signal });
    assert.deepEqual(
      [...new Set(tokens.asked.map(({ scope, by }) => `${by} ${scope}`))],
      ['ann repository:private/box:pull,push'],
    );
    tokens.asked.length = 0;
    assert.equal((await target.registry.pull(name, { auth, signal })).id, id);
    assert.deepEqual(
      tokens.asked,
      [{ method: 'GET', scope: 'repository:private/box:pull', by: 'ann' }],
      'one is enough',
    );
    const { Descriptor } = await target.registry.inspect(name, { auth, signal });
    assert.deepEqual(target.images.get(id).digests, [`${registry.host}/private/box@${Descriptor.digest}`]);
  });

  it('who is nobody reads what is public, and is told what else is denied', async () => {
    const [source, target] = [await rig.side({ certificates }), await rig.side({ certificates })];
    const [open, closed] = [`${registry.host}/public/box:1`, `${registry.host}/private/other:1`];
    const id = await loadNoise(source, { tag: open, sizes: [1000] });
    await source.images.tag(id, closed);
    for (const name of [open, closed]) await source.registry.push(name, { auth, signal });
    assert.equal((await target.registry.pull(open, { signal })).id, id);
    const denied =
      /pull access denied for .*private\/other, repository does not exist or may require 'docker login': denied/;
    await assert.rejects(target.registry.pull(closed, { signal }), denied);
    await assert.rejects(
      source.registry.push(closed, { signal }),
      /denied: requested access to the resource is denied/,
    );
    await assert.rejects(
      target.registry.pull(closed, { auth: wrong, signal }),
      /unauthorized: incorrect username or password/,
    );
  });

  it('an authority that nobody trusts: no; the system or a directory does, or the registry is called insecure: yes', async () => {
    const asked: string[] = [];
    const tunnels = createPlainServer().on('connect', (request: IncomingMessage, socket: Socket) => {
      asked.push(`${request.url} ${request.headers['proxy-authorization']}`);
      const other = connect(Number(registry.host.split(':')[1]), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        socket.pipe(other).pipe(socket);
      });
      for (const end of [socket, other]) end.on('error', () => [socket, other].map((one) => one.destroy()));
    });
    await new Promise<void>((resolve) => tunnels.listen(0, '127.0.0.1', resolve));
    const bound = tunnels.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const env = { HTTPS_PROXY: `http://me:word@127.0.0.1:${port}`, NO_PROXY: '127.0.0.1' };
    const login = { ...auth, serverAddress: 'registry.test:5443' };
    await mkdir(join(certificates, login.serverAddress), { recursive: true });
    await writeFile(join(certificates, login.serverAddress, 'ca.crt'), readFileSync(join(directory, 'ca.crt')));
    try {
      const own = { ...env, SSL_CERT_FILE: join(directory, 'ca.crt') };
      const trusting = [
        await rig.side({ certificates }, { env }),
        await rig.side({}, { env: own }),
        await rig.side({ insecure: ['registry.test:5443'] }, { env }),
      ];
      for (const side of trusting) {
        assert.deepEqual(await side.registry.login(login, { signal }), { identityToken: '' });
      }
      assert.ok(asked.length >= 3);
      assert.equal(asked[0], `registry.test:5443 Basic ${Buffer.from('me:word').toString('base64')}`);
      const strict = await rig.side({}, { env });
      await assert.rejects(strict.registry.login(login, { signal }), /x509: certificate signed by unknown authority/);
    } finally {
      tunnels.closeAllConnections();
      tunnels.close();
    }
  });

  it('tokens that end while a pull lasts are renewed', async () => {
    const [source, target] = [await rig.side({ certificates }), await rig.side({ certificates })];
    const name = `${registry.host}/private/long:1`;
    const id = await loadNoise(source, { tag: name, sizes: [1000, 2000, 3000] });
    await source.registry.push(name, { auth, signal });
    tokens.asked.length = 0;
    tokens.lifeSeconds = 0.001;
    assert.equal((await target.registry.pull(name, { auth, signal })).id, id);
    // For the tag, the manifest, the config and the layers, which may share one.
    assert.ok(tokens.asked.length >= 3, `${tokens.asked.length} tokens`);
  });

  it('a token that is refused in the middle of a pull is renewed', async () => {
    const [source, target] = [await rig.side({ certificates }), await rig.side({ certificates })];
    const name = `${proxy.host}/private/refused:1`;
    const id = await loadNoise(source, { tag: name, sizes: [1000, 200_000] });
    await source.registry.push(name, { auth, signal });
    tokens.asked.length = 0;
    const refused = new Set<string>();
    const challenge = `Bearer realm="https://${tokens.host}/token",service="the registry",error="invalid_token"`;
    proxy.does(({ method, url, headers }, answer) => {
      if (method !== 'GET' || !isBlobUrl(url) || refused.has(url) || !headers.authorization) return;
      refused.add(url);
      Object.assign(answer, { status: 401, headers: { 'www-authenticate': challenge }, body: Buffer.alloc(0) });
    });
    assert.equal((await target.registry.pull(name, { auth, signal })).id, id);
    assert.equal(refused.size, 3);
    assert.ok(tokens.asked.length >= 2);
  });

  it('an identity token takes the place of the password', async () => {
    tokens.refreshTokens = true;
    const [source, target] = [await rig.side({ certificates }), await rig.side({ certificates })];
    const serverAddress = registry.host;
    const { identityToken } = await source.registry.login({ ...auth, serverAddress }, { signal });
    assert.equal(identityToken, 'kept');
    const name = `${registry.host}/private/kept:1`;
    const id = await loadNoise(source, { tag: name, sizes: [1000] });
    await source.registry.push(name, { auth: { identityToken }, signal });
    tokens.asked.length = 0;
    assert.equal((await target.registry.pull(name, { auth: { identityToken }, signal })).id, id);
    assert.deepEqual(tokens.asked, [{ method: 'POST', scope: 'repository:private/kept:pull', by: 'ann' }]);
    const stale = { identityToken: 'of yesterday', serverAddress };
    await assert.rejects(target.registry.login(stale, { signal }), (failure) => isKind(failure, 'unauthorized'));
  });
});

/** A certificate authority of a test's own, and a certificate for 127.0.0.1 from it. */
function makeAuthority(directory: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const made = ['-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...made, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=authority of a test');
  openssl('req', ...made.slice(0, 3), '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=registry');
  const names = 'subjectAltName=IP:127.0.0.1,DNS:registry.test';
  writeFileSync(join(directory, 'names'), names);
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
  openssl('x509', '-req', '-in', 'server.csr', ...signed, '-out', 'server.crt');
}
