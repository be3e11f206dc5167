import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '../../../src/agent/api/engine.ts';
import { listenOn } from '../../../src/agent/api/listen.ts';
import { createApiServer } from '../../../src/agent/api/server.ts';
import type { Builder } from '../../../src/agent/build/contract.ts';
import type { ContainerRecord, Containers } from '../../../src/agent/container/contract.ts';
import { EventHub } from '../../../src/agent/container/events.ts';
import { defaultRegistryOptions, type Registry } from '../../../src/agent/registry/contract.ts';
import type { ImageStore } from '../../../src/agent/store/contract.ts';
import { UnpackLimits } from '../../../src/agent/store/unpack-limits.ts';
import type { Volumes } from '../../../src/agent/volume/contract.ts';

/** What a test does not expect to be called. */
function unexpected(): never {
  throw new Error('the test does not expect this call');
}

const noContainers: Containers = {
  create: unexpected,
  planFor: unexpected,
  updatePlan: unexpected,
  liveCgroups: unexpected,
  list: () => [],
  get: unexpected,
  start: unexpected,
  stop: unexpected,
  restart: unexpected,
  kill: unexpected,
  pause: unexpected,
  unpause: unexpected,
  wait: unexpected,
  rename: unexpected,
  update: unexpected,
  remove: unexpected,
  resize: unexpected,
  attach: unexpected,
  logs: unexpected,
  execCreate: unexpected,
  execStart: unexpected,
  execResize: unexpected,
  execInspect: unexpected,
  execIds: () => [],
  plan: unexpected,
  trace: unexpected,
  history: unexpected,
  wholeHistory: unexpected,
  reading: unexpected,
  figures: unexpected,
  pids: unexpected,
  changes: unexpected,
  pathStatus: unexpected,
  readArchive: unexpected,
  writeArchive: unexpected,
  visit: unexpected,
  withLayers: unexpected,
  export: unexpected,
  commit: unexpected,
  upper: () => '/nowhere/upper',
};

const noBuilder: Builder = { build: unexpected, builds: () => [], stepsOf: () => [], settled: async () => undefined };

const noImages: ImageStore = {
  limits: new UnpackLimits({ directory: tmpdir() }),
  list: () => [],
  get: unexpected,
  load: unexpected,
  commit: unexpected,
  intake: unexpected,
  content: unexpected,
  children: () => [],
  hold: () => () => undefined,
  save: unexpected,
  prune: unexpected,
  importTar: unexpected,
  refresh: async () => undefined,
  tag: unexpected,
  remove: unexpected,
  rootfs: unexpected,
  containerRootfs: unexpected,
  ensureInit: unexpected,
  layers: unexpected,
  layered: unexpected,
  lookup: unexpected,
  layeredForContainers: unexpected,
  scratch: unexpected,
  addDigest: unexpected,
};

const noVolumes: Volumes = {
  list: () => [],
  find: () => undefined,
  mountpointOf: unexpected,
  check: unexpected,
  get: unexpected,
  create: unexpected,
  hold: unexpected,
  release: unexpected,
  holders: () => [],
  use: unexpected,
  leave: unexpected,
  adopt: unexpected,
  settle: unexpected,
  remove: unexpected,
  prune: unexpected,
  size: unexpected,
  visit: unexpected,
};

const noRegistry: Registry = {
  options: defaultRegistryOptions,
  pull: unexpected,
  pullAll: unexpected,
  push: unexpected,
  inspect: unexpected,
  login: unexpected,
};

export interface FakeEngine {
  readonly registry?: Partial<Registry>;
  readonly containers?: Partial<Containers>;
  readonly images?: Partial<ImageStore>;
  readonly volumes?: Partial<Volumes>;
  readonly builder?: Partial<Builder>;
}

/** An API server on a temporary socket, over parts that a test gives. */
export async function serveFakes(parts: FakeEngine): Promise<{
  socket: string;
  events: EventHub;
  failures: string[];
  close(): Promise<void>;
}> {
  const directory = await mkdtemp(join(tmpdir(), 'porthole-api-'));
  const socket = join(directory, 's.sock');
  const events = new EventHub(() => BigInt(Date.now()) * 1_000_000n);
  const failures: string[] = [];
  const engine: Engine = {
    containers: { ...noContainers, ...parts.containers },
    images: { ...noImages, ...parts.images },
    volumes: { ...noVolumes, ...parts.volumes },
    registry: { ...noRegistry, ...parts.registry },
    builder: { ...noBuilder, ...parts.builder },
    engines: { list: async () => [], withImage: unexpected },
    events,
    agent: {
      version: '0',
      protocol: 1,
      pid: process.pid,
      dataRoot: directory,
      execRoot: directory,
      socket,
      node: process.version,
      platform: 'linux',
      architecture: process.arch,
      kernel: '0',
      cgroupVersion: 2,
      cgroups: true,
      rootless: false,
      userns: { containers: 'host' },
      unavailable: [],
      options: [],
      startedAt: '2026-01-01T00:00:00Z',
    },
    describeHost: unexpected,
    retire: unexpected,
    cgroups: { node: unexpected, reading: unexpected, capacity: unexpected },
    usage: { of: unexpected },
    readLineages: unexpected,
  };
  const api = createApiServer(engine, { onFailure: (what, failure) => failures.push(`${what}: ${String(failure)}`) });
  await listenOn(api.http, socket);
  return {
    socket,
    events,
    failures,
    async close() {
      await api.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A stopped container; a test changes what it is about. */
export function record(changes: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    id: 'c'.repeat(64),
    name: 'web',
    created: '2026-01-01T00:00:00.000000000Z',
    image: 'busybox',
    imageId: `sha256:${'a'.repeat(64)}`,
    path: 'sh',
    args: ['-c', 'echo hi'],
    config: { Labels: { tier: 'front', empty: '' } },
    hostConfig: { NetworkMode: 'none' },
    state: {
      status: 'exited',
      pid: 0,
      exitCode: 3,
      oomKilled: false,
      error: '',
      startedAt: '2026-01-01T00:00:01.000000000Z',
      finishedAt: '2026-01-01T00:00:02.000000000Z',
    },
    restartCount: 0,
    logPath: '/nowhere/log',
    bundle: '/nowhere',
    mounts: [],
    hostnamePath: '/nowhere/hostname',
    hostsPath: '/nowhere/hosts',
    resolvConfPath: '/nowhere/resolv.conf',
    ...changes,
  };
}
