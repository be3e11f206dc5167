import { starterImage } from '../../../scripts/starter-image.ts';

/** Numbers from a seed: the same seed gives the same run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to 1 (splitmix32). */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state ^ (this.#state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] ?? list[0];
  }
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const profile = (rule: object): string =>
  `seccomp=${JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ action: 'SCMP_ACT_ERRNO', ...rule }] })}`;

/** What has made programs fall over before. */
export const odd: readonly [Json, ...Json[]] = [
  ...([null, true, false, 0, -1, 1, 1.5, 1e308, 2 ** 53, 2 ** 63, -(2 ** 63)] as const),
  ...([
    '',
    ' ',
    '/',
    '..',
    '../../etc',
    '/../..',
    '\0',
    'a\0b',
    '\ud800',
    'x'.repeat(5000),
    '🐳',
    '\n',
    '%s%n',
  ] as const),
  ...(['$PATH', 'a=b', '=', ':', '::', 'a:b:c:d', '/a:/b', '/a:/b:ro,rw', 'container:', 'container:x'] as const),
  ...(['host', 'none', '0-99999', '0,1,', '-1', 'NaN', '1e9', 'seccomp={}', 'apparmor=x'] as const),
  profile({ names: ['nope'] }),
  profile({ names: ['read'], args: [{ index: 9, value: 1, op: 'SCMP_CMP_EQ' }] }),
  ...[[], [[]], [null], {}, { a: null }, { constructor: {} }, ['a', 5], [''], ['\n'], { '': '' }],
];

/** A create body with every field that there is. */
function wholeBody(): { [name: string]: Json } {
  return {
    ...{ Image: starterImage, Cmd: ['true'], Entrypoint: ['sh'], Env: ['A=b'], User: '0', WorkingDir: '/', Tty: false },
    ...{
      Labels: { a: 'b' },
      ExposedPorts: { '80/tcp': {} },
      Volumes: { '/v': {} },
      StopSignal: 'SIGTERM',
      StopTimeout: 5,
    },
    ...{
      OpenStdin: true,
      Hostname: 'h',
      Domainname: 'd',
      MacAddress: '',
      Shell: ['sh'],
      OnBuild: [],
      StdinOnce: false,
    },
    Healthcheck: { Test: ['CMD', 'true'], Interval: 1e9, Timeout: 1e9, Retries: 3, StartPeriod: 0, StartInterval: 0 },
    NetworkingConfig: { EndpointsConfig: {} },
    HostConfig: {
      ...{ Memory: 64 << 20, MemorySwap: -1, MemoryReservation: 0, MemorySwappiness: 10, CpuShares: 512, NanoCpus: 0 },
      ...{ CpuPeriod: 100_000, CpuQuota: 50_000, CpusetCpus: '0', CpusetMems: '0', PidsLimit: 10, BlkioWeight: 0 },
      ...{ BlkioWeightDevice: [], BlkioDeviceReadBps: [], OomScoreAdj: 0, OomKillDisable: false, ShmSize: 1 << 20 },
      ...{ Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }], Binds: ['/etc:/x:ro'], Tmpfs: { '/t': 'size=1m' } },
      Mounts: [
        { Type: 'bind', Source: '/etc', Target: '/y', ReadOnly: true, BindOptions: { Propagation: 'rprivate' } },
        { Type: 'tmpfs', Target: '/z', TmpfsOptions: { SizeBytes: 5000, Mode: 1023 } },
        { Type: 'volume', Target: '/w', Source: 'vol', VolumeOptions: { Subpath: '', NoCopy: false, Labels: {} } },
      ],
      Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/n', CgroupPermissions: 'rwm' }],
      ...{ VolumesFrom: [], DeviceCgroupRules: ['c 1:3 rwm'], DeviceRequests: [], CapAdd: ['NET_ADMIN'] },
      ...{ CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'], Sysctls: { 'net.ipv4.ip_forward': '1' } },
      ...{ NetworkMode: 'none', IpcMode: 'private', PidMode: '', UTSMode: '', UsernsMode: '', CgroupnsMode: 'private' },
      ...{ Dns: ['1.1.1.1'], DnsSearch: ['a'], DnsOptions: ['ndots:1'], ExtraHosts: ['a:1.2.3.4'], GroupAdd: ['5'] },
      ...{ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 }, AutoRemove: false, Init: false },
      ...{ LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } }, ReadonlyRootfs: true, Privileged: false },
      ...{
        MaskedPaths: null,
        ReadonlyPaths: [],
        Annotations: { a: 'b' },
        CgroupParent: '',
        Runtime: '',
        Isolation: '',
      },
      ...{
        StorageOpt: {},
        PortBindings: {},
        PublishAllPorts: false,
        Links: [],
        ConsoleSize: [10, 20],
        VolumeDriver: '',
      },
    },
  };
}

/** A create body with up to three places changed, most often to something of the same type; one in twenty is cut off. */
export function mutatedBody(random: Random): string {
  const body = wholeBody();
  for (let count = 1 + random.below(3); count > 0; count--) mutate(body, random);
  const text = JSON.stringify(body);
  return random.next() < 0.05 ? text.slice(0, random.below(text.length)) : text;
}

function mutate(root: Json, random: Random): void {
  const places = placesIn(root);
  const place = places[random.below(places.length)];
  if (place === undefined) return;
  const { holder, name } = place;
  const value = holder[name];
  const same = odd.filter((one) => typeof one === typeof value && Array.isArray(one) === Array.isArray(value));
  const dice = random.next();
  if (dice < 0.1) delete holder[name];
  else if (dice < 0.2 && typeof value === 'string') {
    holder[name] = value + random.pick(['\0', '/', '..', ':', '=', ',', ' ', '\n', 'x'.repeat(300)]);
  } else {
    const [first = null, ...rest] = same;
    holder[name] = structuredClone(random.next() < 0.75 ? random.pick([first, ...rest]) : random.pick(odd));
  }
}

function placesIn(value: Json): { holder: { [name: string]: Json }; name: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(placesIn);
  return Object.entries(value).flatMap(([name, inner]) => [{ holder: value, name }, ...placesIn(inner)]);
}
