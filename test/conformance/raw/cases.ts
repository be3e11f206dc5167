import { get, post, type RawRequest } from './request.ts';

/** A request that both engines get. In every path `box` runs, `made` was never started, `ended` has ended. */
export interface RawCase {
  readonly name: string;
  readonly request: RawRequest;
  /** Headers of the answer that must be equal, beside Content-Type. */
  readonly headers?: readonly string[];
  /** The status alone is equal: each says in its own words what is wrong, and why that is right. */
  readonly words?: string;
  /** 20.10 answers with 500 what is a bad request (400) to ours and to newer ones. */
  readonly isBadRequest?: true;
  /** Nothing of the answer is equal, and why that is right. */
  readonly differs?: string;
}

const asked = (line: string): RawRequest => {
  const [method = '', path = ''] = line.split(' ');
  return { method, path };
};
const filters = (value: string) => `filters=${encodeURIComponent(value)}`;
const ownJson = 'each JSON parser has words of its own for what it found';
const json = { 'Content-Type': 'application/json' };

const pings: readonly RawCase[] = ['GET', 'HEAD'].map((method) => ({
  name: `${method} /_ping`,
  request: { method, path: '/_ping' },
  headers: ['cache-control', 'pragma', 'ostype', 'docker-experimental'],
}));

const versions: readonly RawCase[] = [
  { name: 'a version', request: get('/v1.41/_ping') },
  { name: 'a version that is too old', request: get('/v1.11/containers/json'), differs: '20.10 says it in plain text' },
  { name: 'a version that is too new', request: get('/v1.99/containers/json'), words: 'it names its newest' },
  { name: 'no version at all', request: get('/vx/containers/json') },
  { name: 'an unknown path', request: get('/v1.41/nothere') },
  { name: 'a wrong method', request: { method: 'PATCH', path: '/containers/json' } },
];

const bodies: readonly RawCase[] = [
  ['nothing', undefined],
  ['no JSON', '{'],
  ['a number for text', '{"Image": 5}'],
  ['text for a number', '{"Image":"busybox","HostConfig":{"Memory":"1"}}'],
  ['text for a list', '{"Image":"busybox","Env":"A=b"}'],
  ['a list for an object', '[]'],
  ['an object for text', '{"Image":{}}'],
].map(([name, body]) => ({
  name: `create from ${name}`,
  request: { method: 'POST', path: '/v1.41/containers/create', ...(body !== undefined && { headers: json, body }) },
  words: ownJson,
  isBadRequest: true,
}));

const creates: readonly RawCase[] = [
  {
    name: 'create with another content type',
    request: { ...post('/v1.41/containers/create', {}), headers: { 'Content-Type': 'text/plain' } },
    words: ownJson,
  },
  { name: 'create of no image', request: post('/v1.41/containers/create', { Image: 'nothere', Cmd: ['true'] }) },
  {
    name: 'create with a bad name',
    request: post('/v1.41/containers/create?name=-', { Image: 'busybox', Cmd: ['a'] }),
  },
  {
    name: 'create with unknown fields',
    request: post('/v1.41/containers/create?name=extra', { Image: 'busybox', Cmd: ['a'], Nope: 1 }),
  },
  {
    name: 'create with a name that is taken',
    request: post('/v1.41/containers/create?name=box', { Image: 'busybox', Cmd: ['a'] }),
  },
];

const lists: readonly RawCase[] = [
  {
    name: 'filters that are no JSON',
    isBadRequest: true,
    request: get(`/containers/json?${filters('{')}`),
    words: ownJson,
  },
  {
    name: 'filters of a wrong shape',
    isBadRequest: true,
    request: get(`/containers/json?${filters('{"status":"running"}')}`),
    words: ownJson,
  },
  {
    name: 'filters in the old shape',
    request: get(`/containers/json?${filters('{"status":{"nonsense":true}}')}`),
    words: 'newer words',
  },
  {
    name: 'an unknown filter',
    request: get(`/containers/json?${filters('{"nope":["1"]}')}`),
    words: '20.10 quotes otherwise',
  },
  {
    name: 'a limit that is no number',
    isBadRequest: true,
    request: get('/containers/json?limit=x'),
    words: 'as Go says it',
  },
  {
    name: 'filters of images',
    request: get(`/images/json?${filters('{"nope":["1"]}')}`),
    words: '20.10 quotes otherwise',
  },
  {
    name: 'filters of volumes',
    request: get(`/volumes?${filters('{"nope":["1"]}')}`),
    words: '20.10 quotes otherwise',
  },
  {
    name: 'filters of networks',
    request: get(`/networks?${filters('{"nope":["1"]}')}`),
    words: '20.10 quotes otherwise',
  },
  { name: 'events that end before they begin', request: get('/events?since=2&until=1') },
  { name: 'events until no time', isBadRequest: true, request: get('/events?until=x'), words: 'as Go says it' },
];

const lives: readonly RawCase[] = [
  { name: 'start of nobody', request: post('/containers/nobody/start') },
  { name: 'start of one that runs', request: post('/containers/box/start') },
  { name: 'start with a configuration', request: post('/containers/box/start', { Binds: ['/a:/b'] }) },
  { name: 'start of nobody with a configuration', request: post('/containers/nobody/start', { Binds: ['/a:/b'] }) },
  { name: 'start with a body that says nothing', request: post('/containers/box/start', {}) },
  {
    name: 'start with a body of unknown length',
    request: {
      method: 'POST',
      path: '/containers/box/start',
      headers: { ...json, 'Transfer-Encoding': 'chunked' },
      body: '{}',
    },
  },
  { name: 'stop of one that does not', request: post('/containers/ended/stop') },
  {
    name: 'stop with a time that is none',
    isBadRequest: true,
    request: post('/containers/box/stop?t=x'),
    words: 'as Go says it',
  },
  { name: 'kill of one that does not run', request: post('/containers/ended/kill') },
  { name: 'kill with no signal', request: post('/containers/box/kill?signal=NOPE') },
  { name: 'pause of one that does not run', request: post('/containers/ended/pause') },
  {
    name: 'unpause of one that is not paused',
    request: post('/containers/box/unpause'),
    differs: 'a conflict (409) is no failure of the engine (500)',
  },
  { name: 'wait for one that has ended', request: post('/containers/ended/wait') },
  { name: 'wait for one that never ran', request: post('/containers/made/wait?condition=not-running') },
  { name: 'rename to nothing', request: post('/containers/made/rename') },
  { name: 'rename to a name that is taken', request: post('/containers/made/rename?name=box') },
  { name: 'resize to no numbers', request: post('/containers/box/resize?h=x&w=1'), words: 'as Go says it' },
  { name: 'resize of one that does not run', request: post('/containers/ended/resize?h=1&w=1') },
  { name: 'update with nothing', request: post('/containers/box/update', {}) },
  { name: 'update of what it does not know', request: post('/containers/made/update', { Image: 'x', Nope: [1] }) },
  { name: 'update of what Windows has', request: post('/containers/made/update', { CpuCount: 3 }) },
  {
    name: 'update with a policy of no name',
    request: post('/containers/made/update', { RestartPolicy: { Name: '', MaximumRetryCount: 3 } }),
  },
  ...[
    { CgroupParent: '/x' },
    { Devices: [{ PathOnHost: '/dev/null' }] },
    { DeviceCgroupRules: ['c 1:3 r'] },
    { DeviceRequests: [{ Driver: 'x' }] },
    { Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 1 }] },
  ].map(
    (body): RawCase => ({
      name: `update of ${Object.keys(body)[0]}`,
      request: post('/containers/made/update', body),
      differs: 'dockerd takes it and does nothing; ours says that it cannot',
    }),
  ),
  {
    name: 'update to a disk that is not there',
    request: post('/containers/made/update', { BlkioDeviceReadBps: [{ Path: '/nothere', Rate: 5 }] }),
    differs: 'ours changes the limits of disks, which Docker learned long after 20.10',
  },
  { name: 'update of nobody', request: post('/containers/nobody/update', { Memory: 1 << 26 }) },
  { name: 'remove of one that runs', request: { method: 'DELETE', path: '/containers/box' } },
  { name: 'remove of nobody', request: { method: 'DELETE', path: '/containers/nobody' } },
];

const streams: readonly RawCase[] = [
  { name: 'logs without a stream', request: get('/containers/box/logs') },
  { name: 'logs of nobody', request: get('/containers/nobody/logs?stdout=1') },
  {
    name: 'logs of one',
    differs: 'Docker tells the type of a log since 23',
    request: get('/containers/ended/logs?stdout=1'),
  },
  {
    name: 'attach to nobody',
    differs: '20.10 gives its errors the type of the stream',
    request: post('/containers/nobody/attach?stream=1&stdout=1'),
  },
  {
    name: 'attach with the connection taken over',
    request: {
      ...post('/containers/box/attach?stream=1&stdout=1'),
      headers: { Connection: 'Upgrade', Upgrade: 'tcp' },
    },
    headers: ['upgrade', 'connection'],
  },
  {
    name: 'attach with detach keys that are none',
    request: post('/containers/box/attach?stream=1&detachKeys=nope-nope'),
    differs: '20.10 gives its errors the type of the stream',
  },
  { name: 'top of one that does not run', request: get('/containers/ended/top') },
  {
    name: 'top with arguments that are none',
    isBadRequest: true,
    request: get('/containers/box/top?ps_args=nope'),
    words: 'ps says it on its own standard error',
  },
  { name: 'stats of nobody', request: get('/containers/nobody/stats?stream=0') },
  { name: 'changes of nobody', request: get('/containers/nobody/changes') },
  { name: 'exec of nothing', request: post('/containers/box/exec', {}) },
  { name: 'exec in nobody', request: post('/containers/nobody/exec', { Cmd: ['true'] }) },
  { name: 'exec in one that does not run', request: post('/containers/ended/exec', { Cmd: ['true'] }) },
  { name: 'start of no exec', request: post('/exec/nothere/start', {}) },
  { name: 'resize of no exec', request: post('/exec/nothere/resize?h=1&w=1') },
  { name: 'an exec that is not there', request: get('/exec/nothere/json') },
];

const archives: readonly RawCase[] = [
  { name: 'HEAD of a file', request: { method: 'HEAD', path: '/containers/made/archive?path=/etc/motd' } },
  { name: 'HEAD of what is not there', request: { method: 'HEAD', path: '/containers/made/archive?path=/nothere' } },
  { name: 'HEAD without a path', request: { method: 'HEAD', path: '/containers/made/archive' } },
  { name: 'an archive without a path', request: get('/containers/made/archive') },
  { name: 'an archive of nobody', request: get('/containers/nobody/archive?path=/etc') },
  { name: 'an archive of what is not there', request: get('/containers/made/archive?path=/nothere') },
  { name: 'extraction without a path', request: { method: 'PUT', path: '/containers/made/archive' } },
  {
    name: 'extraction into a file',
    isBadRequest: true,
    request: { method: 'PUT', path: '/containers/made/archive?path=/etc/motd' },
  },
];

const others: readonly RawCase[] = [
  { name: 'an image that is not there', request: get('/images/nothere/json'), words: '20.10 says it twice' },
  { name: 'a tag of nothing', request: post('/images/nothere/tag?repo=x') },
  {
    name: 'a tag with a bad name',
    isBadRequest: true,
    request: post('/images/busybox/tag?repo=Bad'),
    words: 'newer words',
  },
  { name: 'a volume that is not there', request: get('/volumes/nothere') },
  { name: 'a volume with a bad name', request: post('/volumes/create', { Name: '-' }) },
  { name: 'a network that is not there', request: get('/networks/nothere') },
  { name: 'a commit of nobody', request: post('/commit?container=nobody') },
  { name: 'a commit without a container', request: post('/commit'), words: '20.10 takes the empty name for one' },
  { name: 'plugins', request: get('/plugins') },
  ...['GET /swarm', 'POST /swarm/leave', 'GET /nodes', 'GET /services/x', 'DELETE /configs/x', 'GET /tasks/x'].map(
    (line): RawCase => ({ name: `without a swarm: ${line}`, request: asked(line) }),
  ),
  ...['GET /containers/box/checkpoints', 'POST /containers/box/checkpoints'].map(
    (line): RawCase => ({ name: `without experiments: ${line}`, request: asked(line) }),
  ),
  ...['DELETE /plugins/x', 'POST /plugins/x/enable?timeout=0', 'POST /plugins/x/push'].map(
    (line): RawCase => ({ name: `without a plugin: ${line}`, request: asked(line) }),
  ),
  { name: 'a kill with a signal beyond all', isBadRequest: true, request: post('/containers/ended/kill?signal=99') },
  {
    name: 'removal of a link',
    request: { method: 'DELETE', path: '/containers/made?link=1' },
    differs: 'a conflict (409) is no failure of the engine (500)',
  },
  {
    name: 'an exec with detach keys that are none',
    isBadRequest: true,
    request: post('/containers/box/exec', { Cmd: ['a'], DetachKeys: 'nope' }),
  },
  {
    name: 'a range of ports that goes backwards',
    request: get(`/containers/json?${filters('{"publish":["80-70"]}')}`),
    isBadRequest: true,
  },
  {
    name: 'a pattern of images that is none',
    request: get(`/images/json?${filters('{"reference":["["]}')}`),
    isBadRequest: true,
  },
];

export const rawCases: readonly RawCase[] = [
  ...pings,
  ...versions,
  ...bodies,
  ...creates,
  ...lists,
  ...lives,
  ...streams,
  ...archives,
  ...others,
];

/** Answers whose objects have the same keys with values of the same kinds, down to their leaves. */
export const shapes: readonly string[] = [
  '/v1.41/containers/json?all=1&size=1',
  '/v1.41/containers/box/json?size=1',
  '/v1.41/containers/made/json',
  '/v1.41/containers/box/stats?stream=false&one-shot=1',
  '/v1.41/containers/box/top',
  '/v1.41/images/json',
  '/v1.41/images/busybox/json',
  '/v1.41/images/busybox/history',
  '/v1.41/volumes',
  '/v1.41/volumes/data',
  '/v1.41/system/df',
];
