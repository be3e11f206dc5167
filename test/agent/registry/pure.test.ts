import assert from 'node:assert/strict';
import { parseChallenges } from '../../../src/agent/registry/challenge.ts';
import { endpointsOf, isInsecureHost } from '../../../src/agent/registry/endpoints.ts';
import { registryOptions } from '../../../src/agent/registry/options.ts';
import { bestFor, parsePlatform, platformText } from '../../../src/agent/registry/platforms.ts';
import { bar } from '../../../src/agent/registry/progress.ts';
import { proxyFor, proxySettings } from '../../../src/agent/registry/proxy.ts';

describe('registry: what is decided without asking anybody', () => {
  it('challenges of WWW-Authenticate', () => {
    const read = (header: string) =>
      parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
    assert.deepEqual(read('Bearer realm="https://a/token",service="a b",scope="repository:x:pull,push"'), [
      ['bearer', { realm: 'https://a/token', service: 'a b', scope: 'repository:x:pull,push' }],
    ]);
    assert.deepEqual(read('Basic realm="a \\"b\\"", Bearer realm = "c" , error=invalid_token'), [
      ['basic', { realm: 'a "b"' }],
      ['bearer', { realm: 'c', error: 'invalid_token' }],
    ]);
    assert.deepEqual(read('Negotiate'), [['negotiate', {}]]);
    assert.deepEqual(read(''), []);
    assert.deepEqual(read('="x"'), []);
    assert.deepEqual(read('Bearer realm="never ends'), [['bearer', {}]]);
  });

  it('endpoints: mirrors for Docker Hub only, plain HTTP only for what is insecure', () => {
    const bases = (domain: string, insecure: string[] = [], mirrors: string[] = []) =>
      endpointsOf(domain, { insecure, mirrors }).map(
        ({ base, isInsecure }) => `${base}${isInsecure ? ' insecure' : ''}`,
      );
    assert.deepEqual(bases('docker.io'), ['https://registry-1.docker.io']);
    assert.deepEqual(bases('docker.io', ['docker.io', '0.0.0.0/0'], ['http://10.1.2.3:5000/hub']), [
      'http://10.1.2.3:5000/hub insecure',
      'https://registry-1.docker.io',
    ]);
    assert.deepEqual(bases('example.org', [], ['http://mirror']), ['https://example.org']);
    assert.deepEqual(bases('example.org:5000', ['example.org:5000']), [
      'https://example.org:5000 insecure',
      'http://example.org:5000 insecure',
    ]);
    assert.deepEqual(bases('example.org:5001', ['example.org:5000']), ['https://example.org:5001']);
    assert.equal(isInsecureHost('localhost:5000', []), true);
    assert.equal(isInsecureHost('127.1.2.3', []), true);
    assert.equal(isInsecureHost('[::1]:5000', []), true);
    assert.equal(isInsecureHost('10.9.8.7:443', ['10.0.0.0/8']), true);
    assert.equal(isInsecureHost('11.9.8.7', ['10.0.0.0/8']), false);
    assert.equal(isInsecureHost('localhost.example.org', []), false);
  });

  it('options in the words of dockerd', () => {
    const none = { certificates: undefined, maxDownloads: undefined, maxUploads: undefined, maxAttempts: undefined };
    const read = (insecure: string[], mirrors: string[]) => registryOptions({ ...none, insecure, mirrors });
    const { insecure, mirrors, maxDownloads } = read(['http://a:5000', '10.0.0.0/8', '[::1]:5000'], ['https://m/']);
    assert.deepEqual([insecure, mirrors, maxDownloads], [['a:5000', '10.0.0.0/8', '[::1]:5000'], ['https://m'], 3]);
    assert.throws(() => read(['a b'], []), /insecure registry a b is not valid/);
    assert.throws(() => read([], ['mirror.example.org']), /invalid mirror: .* is not a valid URI/);
    assert.throws(() => read([], ['ftp://m']), /unsupported scheme "ftp" in "ftp:\/\/m"/);
    assert.throws(() => read([], ['https://u:p@m']), /username\/password not allowed/);
    assert.throws(() => read([], ['https://m?x=1']), /query or fragment/);
  });

  it('proxies: by scheme, never for this machine, exceptions as Go has them', () => {
    const env = {
      HTTP_PROXY: 'http://p:1',
      https_proxy: 'q:2',
      no_proxy: 'a.org, .b.org,10.0.0.0/8,c.org:81,*.d.org,fd00::1',
    };
    const via = (url: string, given: NodeJS.ProcessEnv = env) => proxyFor(new URL(url), proxySettings(given))?.host;
    assert.equal(via('http://x.org'), 'p:1');
    assert.equal(via('https://x.org'), 'q:2');
    for (const exempt of [
      'a.org',
      'sub.a.org',
      'x.b.org',
      '10.1.1.1:5000',
      'c.org:81',
      'x.d.org',
      '127.0.0.1',
      'localhost',
    ]) {
      assert.equal(via(`http://${exempt}`), undefined, exempt);
    }
    for (const other of ['b.org', 'c.org', 'nota.org', '11.1.1.1', 'd.org'])
      assert.equal(via(`http://${other}`), 'p:1', other);
    assert.equal(via('http://[fd00::1]'), undefined);
    assert.equal(via('https://x.org', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '*' }), undefined);
    assert.equal(via('https://x.org', {}), undefined);
  });

  it('platforms: the own variant, else the best older one', () => {
    const amd64 = { os: 'linux', architecture: 'amd64' };
    const index = (...platforms: string[]) =>
      platforms.map((text, at) => {
        const [os = '', architecture = '', variant] = text.split('/');
        const platform = { os, architecture, ...(variant && { variant }) };
        return { mediaType: 'm', digest: `sha256:${at}`, size: 1, platform };
      });
    const chosen = (wanted: string, ...offered: string[]) => {
      const { platform } = bestFor(parsePlatform(wanted, amd64), index(...offered)) ?? {};
      return platform && platformText(platform);
    };
    assert.equal(chosen('linux/amd64', 'linux/arm64', 'linux/amd64'), 'linux/amd64');
    assert.equal(chosen('linux/arm/v7', 'linux/arm/v5', 'linux/arm/v6', 'linux/amd64'), 'linux/arm/v6');
    assert.equal(chosen('linux/arm/v6', 'linux/arm/v7'), undefined);
    assert.equal(chosen('arm64', 'linux/arm64/v8'), 'linux/arm64/v8');
    assert.equal(chosen('linux/x86_64', 'linux/amd64'), 'linux/amd64');
    assert.equal(chosen('linux/amd64/v3', 'linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4'), 'linux/amd64/v2');
    assert.equal(chosen('linux/amd64', 'unknown/unknown', 'windows/amd64'), undefined);
    assert.throws(() => parsePlatform('pdp11', amd64), /unknown operating system or architecture/);
    assert.throws(() => parsePlatform('a/b/c/d', amd64), /cannot parse platform specifier/);
    assert.throws(() => parsePlatform('linux/../x', amd64), /"\.\." is an invalid component/);
  });

  it('bars as dockerd draws them', () => {
    assert.equal(bar(0, 0), '');
    assert.equal(bar(1500, 0), '   1.5kB');
    assert.equal(bar(512, 1024), `[${'='.repeat(25)}>${' '.repeat(25)}]     512B/1.024kB`);
    assert.equal(bar(3_000_000, 3_000_000), `[${'='.repeat(50)}>]      3MB/3MB`);
  });
});
