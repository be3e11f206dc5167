import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { image } from '../scenario.ts';
import type { Client, VersionChange } from './change.ts';

const networks = 'networks have their own issue: fields of an endpoint are refused by name';
const search = 'searching a registry is refused by name';
const swarm = 'there is no swarm mode';
const onlyWords = 'a deprecation: nothing changes yet';

/** Docker Engine API 1.43 to 1.47. */
export const laterChanges: readonly VersionChange[] = [
  {
    since: 43,
    change: 'POST /containers/create takes Annotations',
    see: async (client) => {
      const { id } = await client.create({}, { Annotations: { a: 'b' } });
      return (await client.inspect(id)).HostConfig['Annotations'];
    },
    before: undefined,
    after: { a: 'b' },
  },
  {
    since: 43,
    change: 'GET /images/json has no <none>:<none> for images without a name',
    see: async (client) => {
      const { id } = await client.create({});
      const { Id } = await client.read(`/commit?container=${id}`, 'POST', {});
      client.goes(`/images/${Id}`);
      const found = (await client.list('/images/json')).find((one) => one['Id'] === Id);
      return [found?.['RepoTags'], found?.['RepoDigests']];
    },
    before: [['<none>:<none>'], ['<none>@<none>']],
    after: [[], []],
  },
  { since: 43, change: 'VirtualSize is deprecated', absent: onlyWords },
  {
    since: 43,
    change: 'GET /info has no-new-privileges when it is set for all',
    absent: 'the engine has no such setting; a container has',
  },
  {
    since: 44,
    change: 'GET /images/json takes a filter until',
    see: async (client) => {
      const count = async (until: string) =>
        (await client.list(`/images/json?filters=${encodeURIComponent(JSON.stringify({ until: [until] }))}`)).length >
        0;
      return [await count('1h30m'), await count('0.001s'), await count('2000-01-01')];
    },
    always: [false, true, false],
    notIn41: 'it came to every version with the engine after 20.10',
  },
  {
    since: 44,
    change: 'VirtualSize is gone from images and from /system/df',
    see: async (client) => {
      const { Images } = await client.read('/system/df');
      const all = [
        await client.read(`/images/${image}/json`),
        ...(await client.list('/images/json')),
        Object(Images)[0],
      ];
      return all.map((one) => 'VirtualSize' in one);
    },
    before: [true, true, true],
    after: [false, false, false],
  },
  { since: 44, change: 'is_automated and its filter in GET /images/search are deprecated', absent: search },
  {
    since: 44,
    change: 'what is mounted below a read-only bind mount is read-only too',
    see: (client) => submounts(client, {}),
    before: 'rw',
    after: 'ro',
  },
  {
    since: 44,
    change: 'BindOptions.ReadOnlyNonRecursive leaves it writable',
    see: (client) => submounts(client, { ReadOnlyNonRecursive: true }),
    always: 'rw',
  },
  {
    since: 44,
    change: 'BindOptions.ReadOnlyForceRecursive',
    see: async (client) => {
      const BindOptions = { ReadOnlyForceRecursive: true, Propagation: 'rprivate' };
      const Mounts = [{ Type: 'bind', Source: '/dev', Target: '/mnt', ReadOnly: true, BindOptions }];
      return (await client.create({}, { Mounts })).status;
    },
    before: 400,
    after: 201,
    notIn41: '20.10 does not know the field, and does not read it',
  },
  {
    since: 44,
    change: 'POST /containers/create takes HealthConfig.StartInterval',
    see: async (client) => {
      const Healthcheck = { Test: ['CMD', 'true'], StartInterval: 2_000_000_000 };
      const { Config } = await client.inspect((await client.create({ Healthcheck })).id);
      return Object(Config['Healthcheck'])['StartInterval'];
    },
    before: undefined,
    after: 2_000_000_000,
  },
  {
    since: 44,
    change: 'GET /info has CDISpecDirs',
    see: async (client) => (await client.read('/info'))['CDISpecDirs'],
    before: undefined,
    after: [],
  },
  { since: 44, change: 'POST /networks/create refuses bad IPAM and duplicates', absent: networks },
  {
    since: 44,
    change: 'POST /containers/create takes several endpoints',
    see: async (client) => {
      const NetworkingConfig = { EndpointsConfig: { one: {}, two: {} } };
      const { body } = await client.create({ NetworkingConfig });
      return /cannot be connected to network endpoints: one, two/.test(body);
    },
    before: true,
    after: false,
    notIn41: 'its list of names is in no order',
  },
  { since: 44, change: 'errors of networks are found at create', absent: networks },
  { since: 44, change: 'services take Seccomp, AppArmor; their Networks are deprecated', absent: swarm },
  { since: 44, change: 'MacAddress of an endpoint', absent: networks },
  { since: 44, change: 'Container and ContainerConfig of images are deprecated', absent: onlyWords },
  {
    since: 44,
    change: 'GET /info has the status of runtimes',
    absent: 'optional: it holds what `runc features` prints, and our runtime is no such program',
  },
  {
    since: 44,
    change: 'GET /containers/{id}/json has DNSNames',
    see: async (client) => {
      const { id } = await client.create({});
      await client.must('POST', `/containers/${id}/start`);
      const { NetworkSettings } = await client.inspect(id);
      return Object.values(NetworkSettings.Networks).map((endpoint) => 'DNSNames' in endpoint);
    },
    before: [false],
    after: [true],
  },
  { since: 44, change: 'Aliases hold the short id, for the last time', absent: networks },
  { since: 44, change: 'fields of NetworkSettings are deprecated', absent: onlyWords },
  {
    since: 44,
    change: 'GET /images/{name}/json leaves Created out that the image does not have',
    see: async (client) => {
      const name = `timeless:${client.minor}`;
      const body = await archiveWithoutTime(name);
      await client.send({
        method: 'POST',
        path: '/images/load',
        headers: { 'Content-Type': 'application/x-tar' },
        body,
      });
      client.goes(`/images/${name}`);
      return (await client.read(`/images/${name}/json`))['Created'];
    },
    before: '0001-01-01T00:00:00Z',
    after: undefined,
  },
  {
    since: 45,
    change: 'VolumeOptions.Subpath',
    see: async (client) => {
      const Mounts = [{ Type: 'volume', Source: 'sub', Target: '/mnt', VolumeOptions: { Subpath: 'a' } }];
      client.goes('/volumes/sub?force=1');
      return (await client.create({}, { Mounts })).status;
    },
    before: 400,
    after: 201,
    notIn41: '20.10 does not know the field, and does not read it',
  },
  { since: 45, change: 'GET /images/search is-automated', absent: search },
  {
    since: 45,
    change: 'GET /images/{name}/json has no Container and no ContainerConfig',
    see: async (client) => {
      const found = await client.read(`/images/${image}/json`);
      return ['Container' in found, 'ContainerConfig' in found];
    },
    before: [true, true],
    after: [false, false],
  },
  { since: 45, change: 'Aliases are what was asked for', absent: networks },
  {
    since: 46,
    change: 'GET /info has Containerd',
    absent: 'optional: where containerd is; there is none',
  },
  { since: 46, change: 'sysctls of an endpoint in its DriverOpts', absent: networks },
  {
    since: 46,
    change: 'GET /containers/json has annotations',
    see: async (client) => {
      const annotations = client.minor < 43 ? {} : { Annotations: { a: 'b' } };
      const { id } = await client.create({}, annotations);
      const [found] = await client.list(`/containers/json?all=1&filters={"name":["${id}"]}`);
      return Object(found?.['HostConfig'])['Annotations'];
    },
    before: undefined,
    after: { a: 'b' },
  },
  { since: 46, change: 'POST /images/{name}/push of one platform', absent: 'images here have one platform' },
  {
    since: 46,
    change: 'TmpfsOptions.Options',
    see: async (client) => {
      const Mounts = [{ Type: 'tmpfs', Target: '/mnt', TmpfsOptions: { Options: [['exec']] } }];
      const said = await client.run('grep " /mnt " /proc/self/mountinfo', { Mounts });
      return /\bnoexec\b/.test(said) ? 'noexec' : 'exec';
    },
    before: 'noexec',
    after: 'exec',
  },
  { since: 46, change: 'services take TmpfsOptions.Options and OomScoreAdj', absent: swarm },
  {
    since: 46,
    change: 'fields of Config in GET /images/{name}/json that are no image’s are deprecated, and still there',
    see: async (client) => {
      const { Config } = await client.read(`/images/${image}/json`);
      const fields = ['Hostname', 'Domainname', 'AttachStdin', 'AttachStdout', 'AttachStderr', 'Tty', 'OpenStdin'];
      return [...fields, 'StdinOnce', 'Image'].map((field) => Object(Config)[field]);
    },
    always: ['', '', false, false, false, false, false, false, ''],
  },
  {
    since: 47,
    change: 'GET /images/json has Manifests',
    see: async (client) => (await client.list('/images/json?manifests=1')).some((one) => 'Manifests' in one),
    always: false,
  },
  {
    since: 47,
    change: 'GET /info does not warn of bridge-nf-call-iptables',
    see: async (client) => JSON.stringify((await client.read('/info'))['Warnings']).includes('bridge-nf'),
    always: false,
    notIn41: 'it came to every version with the engine after 20.10',
  },
];

/** How a file system below a read-only bind mount is mounted inside. */
async function submounts(client: Client, options: object): Promise<string> {
  const Mounts = [
    {
      Type: 'bind',
      Source: '/dev',
      Target: '/mnt',
      ReadOnly: true,
      BindOptions: { Propagation: 'rprivate', ...options },
    },
  ];
  const said = await client.run('grep " /mnt/pts " /proc/self/mountinfo', { Mounts });
  return / \/mnt\/pts (r[ow])\b/.exec(said)?.[1] ?? said;
}

/** As `docker save` wrote them, of an image that does not say when it was made. */
async function archiveWithoutTime(name: string): Promise<Buffer> {
  const layer = pack();
  layer.entry({ name: 'file' }, name);
  layer.finalize();
  const bytes = await buffer(layer);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  };
  const archive = pack();
  archive.entry({ name: 'config.json' }, JSON.stringify(config));
  archive.entry({ name: 'layer.tar' }, bytes);
  archive.entry(
    { name: 'manifest.json' },
    JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }]),
  );
  archive.finalize();
  return buffer(archive);
}
