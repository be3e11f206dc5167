import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { startAgent } from '../support/agent.ts';
import { startDockerd } from '../support/dockerd.ts';
import { ForwardProxy } from '../support/forward-proxy.ts';
import { type RunningRegistry, startRegistry } from '../support/registry.ts';
import { requires } from '../support/tools.ts';
import { busyboxTar, docker, type Engine, socketOf } from './engine.ts';
import { send } from './raw/request.ts';
import { type RegistryLine, sameOnBoth } from './registries.ts';

/** Nobody answers at a broadcast address, and whoever asks there knows at once: who gets an answer has asked the proxy. */
const nowhere = '255.255.255.255';

/** Mirrors, platforms, proxies and builds that pull, with our agent and a real dockerd that have the same settings. */
describe('settings of registries, as against dockerd', function () {
  this.timeout(180_000);
  const stops: (() => Promise<unknown>)[] = [];
  let engines: readonly Engine[] = [];
  let open: RunningRegistry;
  let locked: RunningRegistry;
  let hub: RunningRegistry;
  let proxy: ForwardProxy;
  let directory = '';

  before(async function () {
    const programs = ['docker', 'dockerd', 'busybox', 'docker-registry', 'htpasswd', 'openssl'];
    requires(this, { root: true, programs });
    directory = await mkdtemp(join(tmpdir(), 'porthole-settings-'));
    const path = join(directory, 'passwords');
    await writeFile(path, execFileSync('htpasswd', ['-Bbn', 'ann', 'secret']));
    const tls = { certificate: join(directory, 'tls.crt'), key: join(directory, 'tls.key') };
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=registry'];
    execFileSync('openssl', [...made, '-keyout', tls.key, '-out', tls.certificate], { stdio: 'pipe' });
    const started = async (options: Parameters<typeof startRegistry>[0]): Promise<RunningRegistry> => {
      const registry = await startRegistry(options);
      stops.push(() => registry.stop());
      return registry;
    };
    open = await started({});
    hub = await started({});
    locked = await started({ config: `auth: { htpasswd: { realm: here, path: ${path} } }` });
    const secure = await started({ tls });
    proxy = await ForwardProxy.start(
      new Map([
        [`${nowhere}:5000`, open.host],
        [`tls ${nowhere}:5443`, secure.host],
      ]),
    );
    stops.push(() => proxy.stop());
    const flags = [
      ...['--registry-mirror', 'http://127.0.0.1:1', '--registry-mirror', `http://${hub.host}`],
      ...['--insecure-registry', `${nowhere}/32`],
    ];
    const env = {
      ...{ HTTP_PROXY: `http://${proxy.host}`, HTTPS_PROXY: `http://${proxy.host}` },
      NO_PROXY: `example.com,${nowhere}:5001`,
    };
    const agent = await startAgent({ flags, env });
    stops.push(() => agent.stop());
    const dockerd = await startDockerd({ flags, env });
    stops.push(() => dockerd.stop());
    engines = [
      { name: 'porthole', host: `unix://${agent.socket}` },
      { name: 'dockerd', host: dockerd.host },
    ];
    const input = await busyboxTar();
    for (const engine of engines) {
      const { code, stderr } = await docker(engine, ['import', '-', 'box:1'], { input });
      assert.equal(code, 0, stderr);
    }
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
    if (directory !== '') await rm(directory, { recursive: true, force: true });
  });

  const placesOf = ({ name }: Engine) => ({
    OPEN: `${open.host}/${name}`,
    LOCKED: `${locked.host}/${name}`,
    MULTI: `${open.host}/multi`,
    ORIGIN: `${hub.host}/library/${name}box`,
    MIRRORED: `${name}box`,
    PROXIED: `${nowhere}:5000/${name}`,
    TUNNELED: `${nowhere}:5443/${name}`,
    DIRECT: `${nowhere}:5001/${name}`,
    LOCK: locked.host,
  });
  const same = (...lines: readonly RegistryLine[]) => sameOnBoth({ engines, directory, placesOf }, lines);

  it('mirrors: of Docker Hub only; one that does not answer is passed over, and one that has nothing', async () => {
    await same(
      '~tag box:1 ORIGIN:1',
      '~push ORIGIN:1',
      '~rmi ORIGIN:1',
      'pull MIRRORED:1',
      'pull docker.io/library/MIRRORED:1',
      'images MIRRORED --format {{.Repository}}:{{.Tag}}',
      ['build -q -', 'FROM MIRRORED:1\nLABEL from=mirror\n'],
      'rmi MIRRORED:1',
      'pull OPEN/MIRRORED:1',
      `info --format '{{json .RegistryConfig.Mirrors}}'`,
    );
    for (const engine of engines) {
      const { code, stderr } = await docker(engine, ['pull', `${engine.name}box:missing`]);
      assert.equal(code, 1);
      // Then Docker Hub itself, behind a proxy that ours names and dockerd does not.
      assert.match(stderr, /"https:\/\/registry-1\.docker\.io\/v2\/": (the proxy \S+ answered 502 )?Bad Gateway/);
    }
  });

  it('proxies: plain requests, tunnels, and what goes around them', async () => {
    proxy.seen.length = 0;
    await same(
      '~tag box:1 PROXIED/box:1',
      'push PROXIED/box:1',
      'rmi PROXIED/box:1',
      'pull PROXIED/box:1',
      'rmi PROXIED/box:1',
      '~tag box:1 TUNNELED/box:1',
      'push TUNNELED/box:1',
      'rmi TUNNELED/box:1',
      'pull TUNNELED/box:1',
      'rmi TUNNELED/box:1',
      'pull DIRECT/box:1',
    );
    const hosts = new Set(proxy.seen);
    for (const wanted of [`GET ${nowhere}:5000`, `PUT ${nowhere}:5000`, `CONNECT ${nowhere}:5443`]) {
      assert.ok(hosts.has(wanted), `${wanted} in ${[...hosts].join(', ')}`);
    }
    assert.deepEqual(
      [...hosts].filter((host) => /:5001|127\.0\.0\.1/.test(host)),
      [],
    );
  });

  it('platforms: of an index the image that suits best, and never an attestation', async () => {
    await putIndex(open.host, [
      { os: 'unknown', architecture: 'unknown', isAttestation: true },
      { os: 'linux', architecture: 'arm', variant: 'v5' },
      { os: 'linux', architecture: 'arm64', variant: 'v8' },
      { os: 'linux', architecture: 'arm', variant: 'v7' },
      { os: 'linux', architecture: 'arm', variant: 'v6' },
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 's390x' },
    ]);
    const asked = ['arm/v5', 'arm/v6', 'arm/v7', 'arm', 'arm64', 'arm64/v8', 'aarch64', 'amd64', 'x86_64', 's390x'];
    const shown = `image inspect -f {{.Os}}/{{.Architecture}}/{{.Variant}} MULTI:1`;
    await same(
      ...asked.flatMap((cpu) => [`pull -q --platform linux/${cpu} MULTI:1`, shown, 'rmi MULTI:1']),
      '~pull -q MULTI:1',
      shown,
      'rmi MULTI:1',
      'pull --platform linux/386 MULTI:1',
      'pull --platform linux/riscv64 MULTI:1',
      'pull --platform nonsense/x/y/z MULTI:1',
      'pull --platform nonsense MULTI:1',
      'pull --platform linux/a!b MULTI:1',
      'pull --platform linux/nonsense MULTI:1',
      ['build -q --platform linux/arm64 -', 'FROM MULTI:1\nLABEL a=b\n'],
      shown,
      '~rmi -f MULTI:1',
      ['build -q -', 'FROM --platform=linux/arm/v6 MULTI:1\nLABEL a=b\n'],
      shown,
    );
  });

  it('platforms: an ARM of the eighth version takes the seventh, where 20.10 takes whichever comes first', async () => {
    await putIndex(open.host, [
      { os: 'linux', architecture: 'arm', variant: 'v5' },
      { os: 'linux', architecture: 'arm', variant: 'v7' },
    ]);
    const found = await Promise.all(
      engines.map(async (engine) => {
        await docker(engine, ['pull', '-q', '--platform', 'linux/arm/v8', `${open.host}/multi:1`]);
        return (await docker(engine, ['image', 'inspect', '-f', '{{.Variant}}', `${open.host}/multi:1`])).stdout.trim();
      }),
    );
    assert.deepEqual(found, ['v7', 'v5']);
  });

  it('builds pull what they are made from, with the credentials that are known', async () => {
    await same(
      '~tag box:1 OPEN/base:1',
      '~push OPEN/base:1',
      '~rmi OPEN/base:1',
      ['build -', 'FROM OPEN/base:1\nLABEL a=b\n'],
      ['build --pull -', 'FROM OPEN/base:1\nLABEL a=b\n'],
      'rmi OPEN/base:1',
      ['build -', 'FROM scratch\nCOPY --from=OPEN/base:1 /etc/motd /\n'],
      ['build -', 'FROM box:1\nFROM OPEN/nothere:1\n'],
      ['build -', 'FROM scratch\nCOPY --from=OPEN/nothere:1 /etc/motd /\n'],
      '~tag box:1 LOCKED/base:1',
      '~login -u ann -p secret LOCK',
      '~push LOCKED/base:1',
      '~rmi LOCKED/base:1',
      '~logout LOCK',
      ['build -', 'FROM LOCKED/base:1\nLABEL a=c\n'],
      '~login -u ann -p secret LOCK',
      ['build -', 'FROM LOCKED/base:1\nLABEL a=c\n'],
      ['build --pull -', 'FROM LOCKED/base:1\nLABEL a=c\n'],
    );
  });

  it('a build that cannot pull tells the line', async () => {
    const [ours] = engines;
    assert.ok(ours);
    const context = execFileSync('tar', [
      '-cf',
      '-',
      '-C',
      directory,
      await dockerfile(`FROM box:1\n\nFROM \\\n ${locked.host}/porthole/base:9\n`),
    ]);
    const headers = { 'Content-Type': 'application/x-tar' };
    const { body } = await send(socketOf(ours), { method: 'POST', path: '/build', headers, body: context });
    const last: { error: string; porthole: { lines: object } } = JSON.parse(body.trim().split('\n').at(-1) ?? '');
    assert.match(last.error, /no basic auth credentials|denied|unauthorized/);
    assert.deepEqual(last.porthole.lines, { start: 3, end: 4 });
  });

  async function dockerfile(text: string): Promise<string> {
    await writeFile(join(directory, 'Dockerfile'), text);
    return 'Dockerfile';
  }
});

interface Member {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly isAttestation?: true;
}

/** An image for each platform, all of them `multi:1`. */
async function putIndex(host: string, members: readonly Member[]): Promise<void> {
  const manifests: object[] = [];
  for (const { isAttestation, ...platform } of members) {
    const layer = Buffer.alloc(1024);
    const config = JSON.stringify({
      ...platform,
      created: '2024-05-06T07:08:09Z',
      config: { Cmd: [`for ${Object.values(platform).join('/')}`] },
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
      history: [{ created: '2024-05-06T07:08:09Z', created_by: 'a test' }],
    });
    const zipped = gzipSync(layer);
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...(await putBlob(host, config)) },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...(await putBlob(host, zipped)) }],
    });
    await put(
      `http://${host}/v2/multi/manifests/${digestOf(manifest)}`,
      manifest,
      'application/vnd.oci.image.manifest.v1+json',
    );
    manifests.push({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      ...{ digest: digestOf(manifest), size: Buffer.byteLength(manifest), platform },
      ...(isAttestation && { annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } }),
    });
  }
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  await put(
    `http://${host}/v2/multi/manifests/1`,
    JSON.stringify({ schemaVersion: 2, mediaType, manifests }),
    mediaType,
  );
}

async function putBlob(host: string, data: string | Buffer): Promise<{ digest: string; size: number }> {
  const begun = await fetch(`http://${host}/v2/multi/blobs/uploads/`, { method: 'POST' });
  const place = new URL(begun.headers.get('location') ?? '', `http://${host}`);
  place.searchParams.set('digest', digestOf(data));
  await put(place.href, data, 'application/octet-stream');
  return { digest: digestOf(data), size: Buffer.byteLength(data) };
}

async function put(url: string, body: string | Buffer, type: string): Promise<void> {
  const { status } = await fetch(url, { method: 'PUT', body, headers: { 'Content-Type': type } });
  assert.equal(status, 201, url);
}

const digestOf = (data: string | Buffer): string => `sha256:${createHash('sha256').update(data).digest('hex')}`;
