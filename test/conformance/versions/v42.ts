import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { type Client, until, type VersionChange } from './change.ts';

const raw = 'application/vnd.docker.raw-stream';
const framed = 'application/vnd.docker.multiplexed-stream';
const unversioned = 'it came to every version with the engine after 20.10';

/** Docker Engine API 1.42. */
export const changesOf42: readonly VersionChange[] = [
  {
    since: 42,
    change: 'GET /system/df has no BuilderSize',
    see: async (client) => 'BuilderSize' in (await client.read('/system/df')),
    before: true,
    after: false,
  },
  ...['stop', 'restart'].map(
    (verb): VersionChange => ({
      since: 42,
      change: `POST /containers/{id}/${verb} takes a signal`,
      see: (client) => endedBy(client, `${verb}?signal=USR1&t=20`),
      before: 'term',
      after: 'usr1',
    }),
  ),
  {
    since: 42,
    change: 'GET /images/json counts what is shared when shared-size asks for it',
    see: async (client) => {
      const images = await client.list('/images/json?shared-size=1');
      return images.every(({ SharedSize }) => Number(SharedSize) >= 0);
    },
    before: false,
    after: true,
  },
  {
    since: 42,
    change: 'GET /images/json counts nothing that it is not asked for',
    see: async (client) => (await client.list('/images/json')).every(({ SharedSize }) => SharedSize === -1),
    always: true,
  },
  {
    since: 42,
    change: 'GET /system/df of one type alone',
    see: async (client) => {
      const { Images, Volumes } = await client.read('/system/df?type=volume');
      return { images: Array.isArray(Images), volumes: Array.isArray(Volumes) };
    },
    before: { images: true, volumes: true },
    after: { images: false, volumes: true },
  },
  {
    since: 42,
    change: 'GET /system/df of two types',
    see: async (client) => {
      const { Images, Volumes, Containers } = await client.read('/system/df?type=volume&type=image');
      return [Images, Volumes, Containers].map(Array.isArray);
    },
    before: [true, true, true],
    after: [true, true, false],
  },
  {
    since: 42,
    change: 'GET /system/df by several at once',
    see: async (client) => {
      const answers = await Promise.all([1, 2, 3, 4, 5].map(() => client.ask('GET', '/system/df')));
      return answers.map(({ status }) => status);
    },
    always: [200, 200, 200, 200, 200],
    notIn41: unversioned,
  },
  {
    since: 42,
    change: 'POST /images/create keeps the architecture of the platform',
    see: async (client) => {
      const tar = pack();
      tar.entry({ name: 'file' }, 'text');
      tar.finalize();
      const path = `/images/create?fromSrc=-&repo=platform&tag=${client.minor}&platform=linux/arm64`;
      await client.send({
        method: 'POST',
        path,
        headers: { 'Content-Type': 'application/x-tar' },
        body: await buffer(tar),
      });
      client.goes(`/images/platform:${client.minor}`);
      return (await client.read(`/images/platform:${client.minor}/json`))['Architecture'];
    },
    always: 'arm64',
    notIn41: unversioned,
  },
  {
    since: 30,
    change: 'POST /containers/{id}/wait refuses a condition that is none',
    see: async (client) => {
      const { id } = await client.create({});
      return (await client.ask('POST', `/containers/${id}/wait?condition=nonsense`)).status;
    },
    before: 200,
    after: 400,
    notIn41: 'the condition is older than 1.41; 1.42 only says so',
  },
  {
    since: 42,
    change: 'POST /containers/create does not read KernelMemory',
    see: async (client) => {
      const { status, body } = await client.create({}, { KernelMemory: 1 });
      return status === 400 || /kernel memory/.test(body);
    },
    before: true,
    after: false,
  },
  {
    since: 42,
    change: 'POST /containers/{id}/update does not read KernelMemory',
    see: async (client) => {
      const { id } = await client.create({});
      const { status, body } = await client.ask('POST', `/containers/${id}/update`, { KernelMemory: 1 });
      return status === 400 || /kernel memory/.test(body);
    },
    before: true,
    after: false,
  },
  {
    since: 42,
    change: 'GET /containers/{id}/json leaves kernel memory out that is not limited',
    see: async (client) => {
      const { HostConfig } = await client.inspect((await client.create({})).id);
      return ['KernelMemory', 'KernelMemoryTCP'].map((field) => HostConfig[field]);
    },
    before: [0, 0],
    after: [undefined, undefined],
  },
  {
    since: 42,
    change: 'GET /info leaves KernelMemory out',
    see: async (client) => 'KernelMemory' in (await client.read('/info')),
    before: true,
    after: false,
  },
  ...['GET', 'HEAD'].map(
    (method): VersionChange => ({
      since: 42,
      change: `${method} /_ping recommends a builder and tells of the swarm`,
      see: async (client) => {
        const { headers } = await client.ask(method, '/_ping');
        return [/^[12]$/.test(String(headers['builder-version'])), headers['swarm']];
      },
      always: [true, 'inactive'],
      notIn41: unversioned,
    }),
  ),
  { since: 42, change: 'devices of Windows containers by type and id', absent: 'Windows only' },
  {
    since: 42,
    change: 'GET /containers/{id}/logs tells whether its stream is framed',
    see: async (client) => [await typeOfLogs(client, false), await typeOfLogs(client, true)],
    before: [raw, raw],
    after: [framed, raw],
    notIn41: unversioned,
  },
  {
    since: 42,
    change: 'POST /containers/{id}/attach tells whether its stream is framed',
    see: (client) => typesOf(client, async (id) => `/containers/${id}/attach?stream=1&stdout=1`),
    before: [raw, raw],
    after: [framed, raw],
  },
  {
    since: 42,
    change: 'POST /exec/{id}/start tells whether its stream is framed',
    see: (client) =>
      typesOf(client, async (id, Tty) => {
        const { Id } = await client.read(`/containers/${id}/exec`, 'POST', { Cmd: ['true'], AttachStdout: true, Tty });
        return `/exec/${Id}/start`;
      }),
    before: [raw, raw],
    after: [framed, raw],
  },
  {
    since: 42,
    change: 'POST /volumes/create of a cluster volume needs a swarm',
    see: async (client) => {
      client.goes(`/volumes/cluster-${client.minor}`);
      const body = { Name: `cluster-${client.minor}`, ClusterVolumeSpec: { Group: 'g' } };
      return (await client.ask('POST', '/volumes/create', body)).status;
    },
    before: 201,
    after: 503,
  },
  { since: 42, change: 'BuildCache.Parent and Parents', absent: 'the builder keeps no records of BuildKit' },
  { since: 42, change: 'volumes show ClusterVolume', absent: 'there is no swarm mode' },
  {
    since: 42,
    change: 'PUT /volumes/{name} is there, for cluster volumes',
    see: async (client) => (await client.ask('PUT', '/volumes/any', {})).status,
    before: 404,
    after: 503,
  },
  {
    since: 42,
    change: 'POST /containers/create sets the size of the terminal',
    see: async (client) => terminalSize(await client.run('stty size', { ConsoleSize: [30, 90] })),
    before: 'none',
    after: '30 90',
  },
  {
    since: 42,
    change: 'POST /containers/{id}/exec and its start set the size of the terminal',
    see: async (client) => [await sizeOfExec(client, 'create'), await sizeOfExec(client, 'start')],
    before: ['none', 'none'],
    after: ['30 90', '30 90'],
  },
  {
    since: 42,
    change: 'POST /containers/create makes the source of a mount when CreateMountpoint asks for it',
    see: async (client) => {
      const Source = `/tmp/porthole-nothere-${process.pid}/a`;
      const BindOptions = { CreateMountpoint: true };
      const Mounts = [{ Type: 'bind', Source, Target: '/mnt', BindOptions }];
      return (await client.create({}, { Mounts })).status;
    },
    before: 400,
    after: 201,
  },
  {
    since: 42,
    change: 'POST /containers/create refuses options of another type of mount',
    see: async (client) => {
      const Mounts = [{ Type: 'tmpfs', Target: '/mnt', VolumeOptions: { NoCopy: true } }];
      const { status, body } = await client.create({}, { Mounts });
      return status === 400 && /VolumeOptions must not be specified/.test(body);
    },
    before: false,
    after: true,
  },
  {
    since: 42,
    change: 'POST /volumes/prune leaves named volumes alone',
    see: async (client) => {
      const name = `named-${client.minor}`;
      await client.must('POST', '/volumes/create', { Name: name });
      const anonymous = (await client.read('/volumes/create', 'POST', {}))['Name'];
      client.goes(`/volumes/${name}`);
      const pruned = Object(await client.read('/volumes/prune', 'POST'))['VolumesDeleted'];
      return { named: pruned.includes(name), anonymous: pruned.includes(anonymous) };
    },
    before: { named: true, anonymous: true },
    after: { named: false, anonymous: true },
  },
  {
    since: 42,
    change: 'POST /volumes/prune takes them all when its filter says so',
    see: async (client) => {
      const name = `all-${client.minor}`;
      await client.must('POST', '/volumes/create', { Name: name });
      client.goes(`/volumes/${name}`);
      const filters = encodeURIComponent(JSON.stringify({ all: ['1'] }));
      return (await client.ask('POST', `/volumes/prune?filters=${filters}`)).status;
    },
    before: 400,
    after: 200,
  },
];

/** The last word of a container that says which signal ends it. */
async function endedBy(client: Client, request: string): Promise<string> {
  const traps = 'trap "echo usr1; exit" USR1; trap "echo term; exit" TERM';
  const script = `${traps}; echo ready; while :; do sleep 0.1; done`;
  const { id } = await client.create({ Cmd: ['sh', '-c', script], Tty: true });
  await client.must('POST', `/containers/${id}/start`);
  await until('it is ready', async () => (await client.said(id)) === 'ready');
  await client.must('POST', `/containers/${id}/${request}`);
  return /^ready\n(\w+)/.exec(await client.said(id))?.[1] ?? '';
}

async function typeOfLogs(client: Client, Tty: boolean): Promise<unknown> {
  const { id } = await client.create({ Tty });
  return (await client.ask('GET', `/containers/${id}/logs?stdout=1`)).headers['content-type'];
}

/** Content types of connections that are taken over, without and with a terminal. */
async function typesOf(client: Client, pathOf: (id: string, tty: boolean) => Promise<string>): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const Tty of [false, true]) {
    const { id } = await client.create({ Cmd: ['sleep', '1000'], Tty });
    await client.must('POST', `/containers/${id}/start`);
    const headers = { Connection: 'Upgrade', Upgrade: 'tcp', 'Content-Type': 'application/json' };
    const path = await pathOf(id, Tty);
    const answer = await client.send({ method: 'POST', path, headers, body: JSON.stringify({ Tty }) });
    found.push(answer.headers['content-type']);
  }
  return found;
}

/** What busybox's `stty size` says: rows and columns, or that the terminal has none. */
const terminalSize = (said: string): string => (/standard input/.test(said) ? 'none' : said.trim());

async function sizeOfExec(client: Client, place: 'create' | 'start'): Promise<string> {
  const { id } = await client.create({ Cmd: ['sleep', '1000'] });
  await client.must('POST', `/containers/${id}/start`);
  const size = (at: string) => (at === place ? { ConsoleSize: [30, 90] } : {});
  const made = { Cmd: ['stty', 'size'], Tty: true, AttachStdin: true, AttachStdout: true, ...size('create') };
  const { Id } = await client.read(`/containers/${id}/exec`, 'POST', made);
  const { body } = await client.ask('POST', `/exec/${Id}/start`, { Tty: true, ...size('start') });
  return terminalSize(body);
}
