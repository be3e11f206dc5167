import assert from 'node:assert/strict';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { CreateOptions } from '../../../src/agent/container/contract.ts';
import { serveFakes } from './fakes.ts';

/** What reaches the engine of a create body, and what the client hears. */
describe('api: create bodies', () => {
  let asked: CreateOptions | undefined;
  let server: Awaited<ReturnType<typeof serveFakes>>;
  before(async () => {
    server = await serveFakes({
      containers: {
        create: async (options) => {
          asked = options;
          return { id: 'x', warnings: [] };
        },
      },
    });
  });
  after(() => server.close());
  beforeEach(() => {
    asked = undefined;
  });

  function post(path: string, body: string, type = 'application/json'): Promise<{ status: number; message: string }> {
    return new Promise((resolve, reject) => {
      const sent = request(
        { socketPath: server.socket, path, method: 'POST', headers: { 'Content-Type': type } },
        async (response) => {
          const { message } = JSON.parse(await text(response));
          resolve({ status: response.statusCode ?? 0, message });
        },
      );
      sent.once('error', reject).end(body);
    });
  }

  const bad: readonly (readonly [body: string, message: RegExp])[] = [
    ['', /^invalid JSON: got EOF while reading request body$/],
    ['{', /^invalid JSON: /],
    ['{"Image":"a"} x', /^unexpected content after JSON$/],
    ['{"Image":"a"}{}', /^unexpected content after JSON$/],
    ['null', /^Config cannot be empty in order to create a container$/],
    ['{}', /^Config cannot be empty in order to create a container$/],
    ['{"HostConfig":{}}', /^Config cannot be empty in order to create a container$/],
    ['[]', /^invalid value for the request body: an object is expected, not a list$/],
    ['"a"', /^invalid value for the request body: /],
    ['{"Image":5}', /^invalid value for Image: .*string/],
    ['{"Image":"a","Labels":["b"]}', /^invalid value for Labels: an object is expected/],
    ['{"Image":"a","HostConfig":[]}', /^invalid value for HostConfig: an object is expected/],
    ['{"Image":"a","HostConfig":{"Devices":[[]]}}', /^invalid value for HostConfig.Devices.0: an object is expected/],
    ['{"Image":"a","hostconfig":{"memory":"5m"}}', /^invalid value for HostConfig.Memory: .*number/],
    ['{"Image":"a","HostConfig":{"Memory":1.5}}', /^invalid value for HostConfig.Memory: .*integer/],
    ['{"Image":"a","NetworkingConfig":{"EndpointsConfig":[]}}', /^invalid value for NetworkingConfig.EndpointsConfig/],
  ];
  for (const [body, message] of bad) {
    it(`refuses ${body || 'an empty body'}`, async () => {
      const answer = await post('/containers/create', body);
      assert.equal(answer.status, 400);
      assert.match(answer.message, message);
      assert.equal(asked, undefined);
    });
  }

  it('refuses other content types', async () => {
    const answer = await post('/containers/create', '{"Image":"a"}', 'text/plain');
    assert.deepEqual(answer, {
      status: 400,
      message: "unsupported Content-Type header (text/plain): must be 'application/json'",
    });
    await post('/containers/create', '{"Image":"a"}', 'application/json; charset=utf-8');
    assert.equal(asked?.config.Image, 'a');
  });

  it('takes names in any case, as Go does; the exact one wins; maps keep theirs', async () => {
    await post(
      '/containers/create',
      '{"image":"a","Image":"b","TTY":true,"labels":{"image":"c"},"hostConfig":{"memory":7000000,"restartpolicy":{"name":"no"}}}',
    );
    assert.ok(asked);
    const { config, hostConfig } = asked;
    assert.deepEqual([config.Image, config.Tty, config.Labels], ['b', true, { image: 'c' }]);
    assert.deepEqual([hostConfig.Memory, hostConfig.RestartPolicy?.Name], [7_000_000, 'no']);
  });

  it('passes over what nobody knows', async () => {
    await post('/containers/create', '{"Image":"a","Umask":"0","__proto__":{"x":1},"HostConfig":{"Unheard":[1]}}');
    assert.deepEqual(asked?.config, { Image: 'a' });
    assert.ok(!('Unheard' in asked.hostConfig) && !('x' in asked.hostConfig));
  });

  /** By the API version that first has the field. */
  const appeared: readonly (readonly [since: number, body: object, read: (options: CreateOptions) => unknown])[] = [
    [41, { HostConfig: { CgroupnsMode: 'host' } }, (o) => o.hostConfig.CgroupnsMode],
    [42, { HostConfig: { ConsoleSize: [24, 80] } }, (o) => o.hostConfig.ConsoleSize],
    [
      42,
      mount({ BindOptions: { CreateMountpoint: true } }),
      (o) => o.hostConfig.Mounts?.[0]?.BindOptions?.CreateMountpoint,
    ],
    [43, { HostConfig: { Annotations: { a: 'b' } } }, (o) => o.hostConfig.Annotations],
    [44, { Healthcheck: { StartInterval: 5e9 } }, (o) => o.config.Healthcheck?.StartInterval],
    [
      44,
      mount({ BindOptions: { ReadOnlyNonRecursive: true } }),
      (o) => o.hostConfig.Mounts?.[0]?.BindOptions?.ReadOnlyNonRecursive,
    ],
    [
      46,
      mount({ Type: 'tmpfs', TmpfsOptions: { Options: [['x']] } }),
      (o) => o.hostConfig.Mounts?.[0]?.TmpfsOptions?.Options,
    ],
  ];
  for (const [since, body, read] of appeared) {
    it(`1.${since}: ${JSON.stringify(body).slice(0, 80)}`, async () => {
      for (const minor of [since - 1, since]) {
        await post(`/v1.${minor}/containers/create`, JSON.stringify({ Image: 'a', ...body }));
        assert.ok(asked);
        assert.equal(read(asked) !== undefined, minor >= since, `1.${minor}`);
      }
    });
  }

  it('1.45: a subpath is refused before, as it would show the whole volume', async () => {
    const body = JSON.stringify({ Image: 'a', ...mount({ Type: 'volume', VolumeOptions: { Subpath: 'x' } }) });
    const old = await post('/v1.44/containers/create', body);
    assert.deepEqual(old, { status: 400, message: 'VolumeOptions.Subpath needs API v1.45 or newer' });
    await post('/v1.45/containers/create', body);
    assert.equal(asked?.hostConfig.Mounts?.[0]?.VolumeOptions?.Subpath, 'x');
  });

  it('1.42: what was taken away is not read any more', async () => {
    const body = JSON.stringify({ Image: 'a', HostConfig: { KernelMemory: 5 } });
    await post('/v1.41/containers/create', body);
    assert.equal(asked?.hostConfig.KernelMemory, 5);
    await post('/v1.42/containers/create', body);
    assert.equal(asked?.hostConfig.KernelMemory, undefined);
  });

  it('endpoints: the mode’s own, empty; several are a matter of the version', async () => {
    const endpoints = (EndpointsConfig: object) =>
      JSON.stringify({ Image: 'a', NetworkingConfig: { EndpointsConfig } });
    assert.equal(
      (await post('/containers/create', endpoints({ bridge: { IPAMConfig: {}, Links: null } }))).status,
      201,
    );
    const both = endpoints({ bridge: {}, other: {} });
    assert.deepEqual(await post('/v1.43/containers/create', both), {
      status: 400,
      message: 'Container cannot be connected to network endpoints: bridge, other',
    });
    assert.equal((await post('/v1.44/containers/create', both)).status, 501);
    const address = endpoints({ bridge: { MacAddress: '02:00:00:00:00:01' } });
    assert.match(
      (await post('/containers/create', address)).message,
      /^MacAddress of the network bridge is not supported/,
    );
  });

  it('platforms that there are not', async () => {
    for (const platform of ['foo', 'linux/foo', 'plan9/amd64']) {
      assert.deepEqual(await post(`/containers/create?platform=${platform}`, '{"Image":"a"}'), {
        status: 400,
        message: `"${platform}": unknown operating system or architecture: invalid argument`,
      });
    }
  });
});

function mount(options: object): object {
  return { HostConfig: { Mounts: [{ Type: 'bind', Target: '/x', ...options }] } };
}
