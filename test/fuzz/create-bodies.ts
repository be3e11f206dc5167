import { starterImage } from '../../scripts/starter-image.ts';
import { configFields, hostConfigFields } from '../../src/agent/container/fields.ts';
import { ContainerConfig, HostConfig } from '../../src/protocol/docker.ts';
import { mutateSomewhere } from './mutate.ts';
import { type Json, odd } from './odd.ts';
import type { Random } from './random.ts';
import { sampleOf } from './schema-values.ts';

/** Fields that make a container of the starter image end by itself. The rest is drawn. */
const essential = new Set(['Image', 'Cmd', 'Entrypoint', 'NetworkMode']);

interface CreateBody {
  readonly [name: string]: Json;
  readonly HostConfig: { [name: string]: Json };
}

/** Where containers may be and write, on a machine that others use too. */
export interface Places {
  /** A directory of the host. */
  readonly scratch: string;
  /** The cgroup above theirs, which those that a body names are put below. */
  readonly cgroup: string;
}

/** A create body with up to three places changed, most often to something of the same type; one in twenty is cut off. */
export function mutatedBody(random: Random, { scratch, cgroup }: Places): string {
  const body = baseBody(random, scratch);
  for (let count = 1 + random.below(3); count > 0; count--) mutate(body, random);
  const parent: unknown = Reflect.get(Object(body['HostConfig']), 'CgroupParent');
  if (typeof parent === 'string' && parent !== '')
    Reflect.set(Object(body['HostConfig']), 'CgroupParent', `${cgroup}/${parent}`);
  const text = JSON.stringify(body);
  return random.chance(0.05) ? text.slice(0, random.below(text.length)) : text;
}

/** Every field, or about a third of them. Those that are not listed below are made from the schema. */
function baseBody(random: Random, scratch: string): { [name: string]: Json } {
  const whole = wholeBody(random, scratch);
  if (random.chance(0.4)) return { ...whole };
  const some = ([name]: readonly [string, Json]): boolean => essential.has(name) || random.chance(0.3);
  const { HostConfig: host, ...config } = whole;
  return {
    ...Object.fromEntries(Object.entries(config).filter(some)),
    HostConfig: Object.fromEntries(Object.entries(host).filter(some)),
  };
}

export function wholeBody(random: Random, scratch: string): CreateBody {
  const { HostConfig: host, ...config } = knownBody(scratch);
  return { ...completed(config, configOf, random), HostConfig: completed(host, hostOf, random) };
}

const configOf = { names: Object.keys(configFields), entries: ContainerConfig.entries };
const hostOf = { names: Object.keys(hostConfigFields), entries: HostConfig.entries };

function completed(
  known: { readonly [name: string]: Json },
  { names, entries }: { readonly names: readonly string[]; readonly entries: object },
  random: Random,
): { [name: string]: Json } {
  const others = names.filter((name) => !Object.hasOwn(known, name) && !refused.has(name));
  return {
    ...known,
    ...Object.fromEntries(others.map((name) => [name, sampleOf(Reflect.get(entries, name), random)])),
  };
}

/** Whatever they hold, nothing else of the body would be looked at; `mutate` puts them in now and then. */
const refused = new Set(
  Object.entries({ ...configFields, ...hostConfigFields })
    .filter(([, { standing }]) => standing === 'refused')
    .map(([name]) => name),
);

/** What is good for each field. */
function knownBody(scratch: string): CreateBody {
  const config = {
    ...{ Image: starterImage, Cmd: ['true'], Entrypoint: ['sh', '-c'], Env: ['A=b'], User: '0', WorkingDir: '/' },
    ...{ Labels: { a: 'b' }, ExposedPorts: { '80/tcp': {} }, Volumes: { '/v': {} }, StopSignal: 'SIGTERM' },
    ...{ StopTimeout: 1, OpenStdin: true, Hostname: 'h', Domainname: 'd', Shell: ['sh'], OnBuild: [], Tty: false },
    ...{ StdinOnce: false, AttachStdin: false, AttachStdout: true, AttachStderr: true, NetworkDisabled: false },
    Healthcheck: { Test: ['CMD', 'true'], Interval: 1e9, Timeout: 1e9, Retries: 3, StartPeriod: 0, StartInterval: 0 },
    NetworkingConfig: { EndpointsConfig: {} },
  };
  const resources = {
    ...{ Memory: 64 << 20, MemorySwap: -1, MemoryReservation: 0, MemorySwappiness: 10, CpuShares: 512, NanoCpus: 0 },
    ...{ CpuPeriod: 100_000, CpuQuota: 50_000, CpusetCpus: '0', CpusetMems: '0', PidsLimit: 10, BlkioWeight: 0 },
    ...{ BlkioWeightDevice: [], BlkioDeviceReadBps: [], BlkioDeviceWriteBps: [], BlkioDeviceReadIOps: [] },
    ...{ BlkioDeviceWriteIOps: [], OomScoreAdj: 0, OomKillDisable: false, ShmSize: 1 << 20, CgroupParent: '' },
    ...{ CpuRealtimePeriod: 0, CpuRealtimeRuntime: 0, KernelMemory: 0, KernelMemoryTCP: 0, CpuPercent: 0, CpuCount: 0 },
    Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }],
    Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/n', CgroupPermissions: 'rwm' }],
    DeviceCgroupRules: ['c 1:3 rwm'],
  };
  const files = {
    Binds: [`${scratch}:/x:ro`],
    Mounts: [
      { Type: 'bind', Source: scratch, Target: '/y', ReadOnly: true, BindOptions: { Propagation: 'rprivate' } },
      { Type: 'tmpfs', Target: '/z', TmpfsOptions: { SizeBytes: 5000, Mode: 1023 } },
      { Type: 'volume', Target: '/w', Source: 'vol', VolumeOptions: { Subpath: '', NoCopy: false, Labels: {} } },
    ],
    ...{ Tmpfs: { '/t': 'size=1m' }, VolumesFrom: [], VolumeDriver: '', ReadonlyRootfs: true, ContainerIDFile: '' },
    ...{
      MaskedPaths: ['/proc/kcore'],
      ReadonlyPaths: [],
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
    },
  };
  const view = {
    ...{ CapAdd: ['NET_ADMIN'], CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'], Privileged: false, Init: false },
    ...{ Sysctls: { 'net.ipv4.ip_forward': '1' }, NetworkMode: 'none', IpcMode: 'private', PidMode: '', UTSMode: '' },
    ...{ UsernsMode: '', CgroupnsMode: 'private', Dns: ['1.1.1.1'], DnsSearch: ['a'], DnsOptions: ['ndots:1'] },
    ...{ ExtraHosts: ['a:1.2.3.4'], GroupAdd: ['5'], RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } },
    ...{ AutoRemove: false, Annotations: { a: 'b' }, Runtime: '', Isolation: '', ConsoleSize: [10, 20] },
  };
  return { ...config, HostConfig: { ...resources, ...files, ...view } };
}

function mutate(root: { [name: string]: Json }, random: Random): void {
  const host = root['HostConfig'];
  if (random.chance(0.05) && typeof host === 'object' && host !== null && !Array.isArray(host)) {
    const name = random.pick([...refused, 'Nope', '__proto__']);
    host[name] = random.pick(odd);
    return;
  }
  mutateSomewhere(root, random);
}
