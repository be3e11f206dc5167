import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isKind } from '../../../src/base/errors.ts';
import { RegistryRig, type Side, signal } from './rig.ts';

const types = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  schema1: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
};
const digestOf = (data: string | Buffer): string => `sha256:${createHash('sha256').update(data).digest('hex')}`;

interface Given {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  /** Never ends. */
  readonly endless?: boolean;
}

/** A registry that answers whatever a test gives by path; `{host}` in headers is its own address. */
async function lyingRegistry(answers: (path: string, request: IncomingMessage) => Given | undefined) {
  const asked: string[] = [];
  let host = '';
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '';
    asked.push(path);
    const { status = 200, headers = {}, body = '', endless } = answers(path, request) ?? { status: 404 };
    const own = Object.entries(headers).map(([name, value]) => [name, value.replaceAll('{host}', host)]);
    response.writeHead(status, Object.fromEntries(own));
    // Of a HEAD nothing is sent, so nothing would ever slow the endless one down.
    if (!endless || request.method === 'HEAD') return response.end(body);
    const without = function* (): Generator<string | Buffer> {
      for (;;) yield body;
    };
    return pipeline(Readable.from(without()), response).catch(() => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  host = `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { host, asked, close };
}

const document = (mediaType: string, value: object): Given => {
  const body = JSON.stringify({ schemaVersion: 2, mediaType, ...value });
  return { headers: { 'Content-Type': mediaType, 'Docker-Content-Digest': digestOf(body) }, body };
};
const descriptor = (mediaType: string, body: string | Buffer = 'x') => ({
  mediaType,
  digest: digestOf(body),
  size: body.length,
});
const here = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };
const ping = (path: string): Given | undefined => (path === '/v2/' ? {} : undefined);

describe('registry: one that means harm', function () {
  const rig = RegistryRig.for(this, []);
  let side: Side;
  beforeEach(async () => {
    side = await rig.side({ maxAttempts: 2 }, { patience: 5_000 });
  });

  async function refuses(answers: Parameters<typeof lyingRegistry>[0], expected: RegExp): Promise<string[]> {
    const registry = await lyingRegistry((path, request) => answers(path, request) ?? ping(path));
    try {
      await assert.rejects(side.registry.pull(`${registry.host}/bad:1`, { signal }), (failure: Error) => {
        assert.match(failure.message, expected);
        return !isKind(failure, 'internal');
      });
      assert.deepEqual(side.images.list(), []);
      assert.deepEqual(await side.leftovers(), []);
      return registry.asked;
    } finally {
      await registry.close();
    }
  }
  const manifests = (given: Given) => (path: string) => (path.includes('/manifests/') ? given : undefined);

  it('a manifest without end, or larger than 4 MiB', async () => {
    const endless = { headers: { 'Content-Type': types.manifest }, body: ' '.repeat(65_536), endless: true };
    await refuses(manifests(endless), /larger than 4194304 bytes/);
  });

  it('a manifest that is no JSON, or no manifest', async () => {
    await refuses(manifests({ headers: { 'Content-Type': types.manifest }, body: '{' }), /not JSON/);
    await refuses(manifests(document(types.manifest, {})), /document is broken: .*config/);
    const text = JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: [] });
    await refuses(
      manifests({ headers: { 'Content-Type': types.manifest }, body: text }),
      /the manifest says that it is/,
    );
    await refuses(manifests({ headers: { 'Content-Type': 'text/html' }, body: '"hello"' }), /format "text\/html"/);
  });

  it('a manifest with another digest than is announced', async () => {
    const given = document(types.manifest, {});
    const headers = { ...given.headers, 'Docker-Content-Digest': digestOf('other') };
    await refuses(manifests({ ...given, headers }), /manifest verification failed for digest sha256/);
  });

  it('the format of old, and what is no image', async () => {
    await refuses(manifests({ headers: { 'Content-Type': types.schema1 }, body: '{}' }), /schema 1/);
    const chart = { config: descriptor('application/vnd.cncf.helm.config.v1+json'), layers: [] };
    await refuses(manifests(document(types.manifest, chart)), /no container image/);
    const odd = { config: descriptor(types.config), layers: [descriptor('application/wasm')] };
    await refuses(manifests(document(types.manifest, odd)), /layer sha256:\w+ has the type "application\/wasm"/);
  });

  it('indexes in indexes without end, and one without this platform', async () => {
    let depth = 0;
    const bodies = new Map<string, Given>();
    let inner: Given = document(types.manifest, { config: descriptor(types.config), layers: [] });
    bodies.set(digestOf(String(inner.body)), inner);
    for (; depth < 8; depth++) {
      const body = String(inner.body);
      inner = document(types.index, { manifests: [{ ...descriptor(types.index, body), platform: here }] });
      bodies.set(digestOf(String(inner.body)), inner);
    }
    const asked = await refuses((path) => {
      const [, name = ''] = /manifests\/(.*)$/.exec(path) ?? [];
      return path.includes('/manifests/') ? (bodies.get(name) ?? inner) : undefined;
    }, /nested too deeply/);
    assert.ok(asked.length < 12);
    const other = { ...descriptor(types.manifest), platform: { os: 'linux', architecture: 's390x' } };
    await refuses(manifests(document(types.index, { manifests: [other] })), /no matching manifest for linux\//);
    const many = { manifests: Array.from({ length: 1001 }, () => other) };
    await refuses(manifests(document(types.index, many)), /more than 1000 manifests/);
  });

  it('more layers than there may be, and a config with another number of them', async () => {
    const many = {
      config: descriptor(types.config),
      layers: Array.from({ length: 128 }, () => descriptor(types.layer)),
    };
    await refuses(manifests(document(types.manifest, many)), /more than 127 layers/);
    const config = JSON.stringify({ ...here, rootfs: { type: 'layers', diff_ids: [digestOf('a'), digestOf('b')] } });
    const given = document(types.manifest, {
      config: descriptor(types.config, config),
      layers: [descriptor(types.layer)],
    });
    await refuses(
      (path) => (path.includes('/blobs/') ? { body: config } : manifests(given)(path)),
      /layers length mismatch: the manifest has 1, config sha256:\w+ has 2/,
    );
    await refuses(
      (path) => (path.includes('/blobs/') ? { body: `${config} ` } : manifests(given)(path)),
      /image config verification failed/,
    );
  });

  it('redirections without end, and to where no registry is', async () => {
    const to = (location: string) => (path: string) =>
      path.includes('/manifests/') ? { status: 307, headers: { Location: location } } : undefined;
    const asked = await refuses(to('http://{host}/v2/bad/manifests/1'), /stopped after 10 redirects/);
    assert.ok(asked.length < 15);
    await refuses(to('file:///etc/passwd'), /it leads to "file:/);
  });

  it('headers that are too large, and a token that no header can hold', async () => {
    await refuses(() => ({ headers: { 'X-Much': 'x'.repeat(100_000) } }), /Header overflow|HPE_HEADER_OVERFLOW/i);
    const challenge = { 'WWW-Authenticate': 'Bearer realm="http://{host}/token",service="x"' };
    const withToken = (token: string) => (path: string) =>
      path.startsWith('/token') ? { body: JSON.stringify({ token }) } : { status: 401, headers: challenge };
    await refuses(withToken('t'.repeat(100_000)), /not one that a header can hold/);
    await refuses(withToken('a\r\nX-Other: b'), /not one that a header can hold/);
    await refuses(withToken(''), /did not include a token/);
    await refuses(
      (path) =>
        path.startsWith('/token') ? { body: 'x'.repeat(65_536), endless: true } : { status: 401, headers: challenge },
      /larger than 1048576 bytes/,
    );
  });

  it('words that would steer a terminal are taken out', async () => {
    const body = JSON.stringify({ errors: [{ code: 'UNSUPPORTED', message: 'no\u001b[31m\r\nway' }] });
    await refuses(manifests({ status: 400, body }), /unsupported: no\?\[31m\?\nway/);
  });

  it('credentials stay where they were given', async () => {
    const others: (string | undefined)[] = [];
    const other = await lyingRegistry((_, { headers }) => {
      others.push(headers.authorization);
      return { status: 404 };
    });
    const registry = await lyingRegistry((path, { headers }) => {
      if (headers.authorization === undefined)
        return { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' } };
      return path.includes('/manifests/') ? { status: 307, headers: { Location: `http://${other.host}/taken` } } : {};
    });
    try {
      const auth = { username: 'ann', password: 'secret' };
      await assert.rejects(side.registry.pull(`${registry.host}/bad:1`, { auth, signal }));
      assert.ok(others.length > 0);
      assert.deepEqual([...new Set(others)], [undefined]);
    } finally {
      await registry.close();
      await other.close();
    }
  });
});
