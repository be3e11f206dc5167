import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CgroupReading } from '../../../src/protocol/usage.ts';

/**
 * Every limit, as the process inside feels it and as the readings show it: the same checks on cgroup v1 and v2, beside
 * this machine's agent (`limits.test.ts`) and inside a virtual machine (`limits-run.ts`, bundled). They need nothing but
 * Node and run where the agent runs, because some look at the host's own disk.
 */
export interface LimitsHost {
  /** One request to the agent, `body` as JSON. */
  ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: string }>;
  /** A reference with a busybox in it. */
  readonly image: string;
  /** A directory on a disk: what is written there with O_DIRECT reaches a block device. */
  readonly diskDirectory?: string;
}

export interface LimitCheck {
  readonly name: string;
  /** Resolves with the reason when this host cannot be asked. */
  run(host: LimitsHost): Promise<string | undefined>;
}

const M = 1 << 20;

export const limitChecks: readonly LimitCheck[] = [
  { name: 'memory: the kernel kills what wants more, the container goes on, everybody is told', run: outOfMemory },
  { name: 'cpu: a quota throttles', run: throttled },
  { name: 'pids: forks beyond the limit are refused', run: forksRefused },
  { name: 'io: writes to a disk are held back', run: heldBack },
  { name: 'freezer: nothing moves while paused', run: frozen },
  { name: 'update: new limits are in force at once', run: updated },
  { name: 'cpuset: one processor of several', run: oneProcessor },
  { name: 'weights and reservation are in the kernel', run: weighed },
];

async function outOfMemory(host: LimitsHost): Promise<undefined> {
  // obs is one buffer that dd itself fills: the memory is its own, not the page cache's.
  const glutton = 'dd if=/dev/zero of=/dev/null ibs=1M obs=200M count=200 2>/dev/null; echo "ended with $?"';
  const box = await start(host, `${limitInside}; ${glutton}; sleep 1000`, {
    Memory: 32 * M,
    MemorySwap: 32 * M,
  });
  await box.says(/^ended with 137$/m);
  assert.match(await box.log(), /^limit 33554432$/m);
  const { memory, limits } = await box.untilReading('the kill is counted', (now) => (now.memory?.oomKills ?? 0) > 0);
  assert.equal(memory?.limit, 32 * M);
  assert.equal(limits?.memory?.max, 32 * M);
  assert.equal(limits?.memory?.swap ?? 0, 0);
  assert.ok((memory?.peak ?? 0) <= 32 * M, `peak ${memory?.peak}`);
  await until('the state tells', async () => (await box.inspect()).State.OOMKilled);
  const { State } = await box.inspect();
  assert.deepEqual([State.Running, State.OOMKilled], [true, true]);
  const kills = (await box.reading()).memory?.oomKills;
  await until('one event per kill', async () => (await box.events()).filter((one) => one === 'oom').length === kills);
  return box.remove();
}

/** v1 and v2 in one line: the file that is there is read. */
const limitInside = inside('limit', ['memory/memory.limit_in_bytes', 'memory.max']);

async function throttled(host: LimitsHost): Promise<undefined> {
  const stat = 'cat /sys/fs/cgroup/cpu/cpu.stat /sys/fs/cgroup/cpu.stat 2>/dev/null | grep nr_throttled';
  const loop = 'i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done';
  const box = await start(host, `while :; do ${loop}; ${stat}; done`, { CpuPeriod: 10_000, CpuQuota: 2000 });
  await box.says(/^nr_throttled [1-9]/m);
  const { cpu, limits } = await box.untilReading(
    'it is throttled',
    // The kernel counts a period when it begins, its time when it is over.
    (now) => (now.cpu?.throttledPeriods ?? 0) > 2 && (now.cpu?.throttledTime ?? 0) > 0,
  );
  assert.equal(cpu?.limit, 0.2);
  assert.ok((cpu?.periods ?? 0) >= (cpu?.throttledPeriods ?? 0));
  assert.deepEqual([limits?.cpu?.quota, limits?.cpu?.period], [2000, 10_000]);
  return box.remove();
}

async function forksRefused(host: LimitsHost): Promise<undefined> {
  // A shell whose fork is refused ends, so a second one is asked and the first tells what became of it.
  const bomb = 'i=0; while [ $i -lt 30 ]; do i=$((i+1)); sleep 1000 & done; echo all';
  const line = `${inside('limit', ['pids/pids.max', 'pids.max'])}; sh -c '${bomb}' || echo refused; exec sleep 1000`;
  const box = await start(host, line, { PidsLimit: 12 });
  await box.says(/^refused$/m);
  const said = await box.log();
  assert.match(said, /^limit 12$/m);
  assert.doesNotMatch(said, /^all$/m);
  const { pids, limits } = await box.reading();
  assert.ok((pids?.refused ?? 0) > 0);
  assert.ok((pids?.current ?? 99) <= 12, `${pids?.current} processes`);
  assert.deepEqual([pids?.limit, limits?.pids?.max], [12, 12]);
  return box.remove();
}

async function heldBack(host: LimitsHost): Promise<string | undefined> {
  const directory = await mkdtemp(join(host.diskDirectory ?? tmpdir(), 'porthole-io-'));
  try {
    const device = await diskOf(directory);
    if (device === undefined) return `${directory} is on no block device`;
    const megabyte = 'dd if=/dev/zero of=/disk/file bs=64k count=64 oflag=direct conv=notrunc 2>&1 | tail -n 1';
    const box = await start(host, `${megabyte}; ${megabyte}; echo done; sleep 1000`, {
      Binds: [`${directory}:/disk`],
      BlkioDeviceWriteBps: [{ Path: device.path, Rate: 2 * M }],
      BlkioDeviceReadIOps: [{ Path: device.path, Rate: 5000 }],
    });
    const began = Date.now();
    await box.says(/^done$/m);
    // 8 MiB at 2 MiB a second take four seconds; the kernel lets a burst of part of one through.
    assert.ok(Date.now() - began > 2500, `8 MiB were written in ${Date.now() - began} ms`);
    const { io, limits } = await box.reading();
    const used = io?.devices?.find((one) => one.device === device.numbers);
    assert.ok((used?.writeBytes ?? 0) >= 8 * M, `${used?.writeBytes} bytes on ${device.numbers}`);
    assert.equal(used?.name, device.path.slice('/dev/'.length));
    const limit = limits?.io?.devices.find((one) => one.device === device.numbers);
    assert.deepEqual([limit?.writeBytes, limit?.reads], [2 * M, 5000]);
    return await box.remove();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function frozen(host: LimitsHost): Promise<undefined> {
  const box = await start(host, 'i=0; while :; do i=$((i+1)); echo "turn $i"; done', { NanoCpus: 5e7 });
  await box.says(/^turn 2$/m);
  await box.act('pause');
  assert.equal((await box.reading()).frozen, true);
  const before = await box.reading();
  for (let turn = 0; turn < 20; turn++) assert.equal((await box.reading()).cpu?.usage, before.cpu?.usage);
  assert.equal((await box.inspect()).State.Paused, true);
  await box.act('unpause');
  await box.untilReading('it goes on', (now) => (now.cpu?.usage ?? 0) > (before.cpu?.usage ?? 0));
  assert.equal((await box.reading()).frozen, false);
  return box.remove();
}

async function updated(host: LimitsHost): Promise<undefined> {
  const watch = [
    inside('memory', ['memory/memory.limit_in_bytes', 'memory.max']),
    inside('pids', ['pids/pids.max', 'pids.max']),
    inside('cpu', ['cpu/cpu.cfs_quota_us', 'cpu.max']),
  ].join('; ');
  const box = await start(host, `while :; do ${watch}; sleep 0.1; done`, {
    Memory: 64 * M,
    PidsLimit: 20,
    CpuQuota: 50_000,
  });
  await box.says(/^memory 67108864$/m);
  await box.says(/^pids 20$/m);
  const change = { Memory: 96 * M, MemorySwap: 192 * M, PidsLimit: 30, CpuQuota: 25_000, CpuPeriod: 50_000 };
  const answer = await host.ask('POST', `/containers/${box.id}/update`, change);
  assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, { Warnings: null }]);
  await box.says(/^memory 100663296$/m);
  await box.says(/^pids 30$/m);
  await box.says(/^cpu 25000/m);
  const { memory, pids, cpu, limits } = await box.reading();
  assert.deepEqual([memory?.limit, pids?.limit, cpu?.limit], [96 * M, 30, 0.5]);
  assert.deepEqual([limits?.cpu?.quota, limits?.cpu?.period], [25_000, 50_000]);
  const refused = await host.ask('POST', `/containers/${box.id}/update`, { Memory: 1 });
  assert.equal(refused.status, 400);
  assert.equal((await box.reading()).memory?.limit, 96 * M);
  assert.ok((await box.events()).includes('update'));
  return box.remove();
}

async function oneProcessor(host: LimitsHost): Promise<undefined> {
  const box = await start(host, 'echo "on $(nproc)"; grep Cpus_allowed_list /proc/self/status; sleep 1000', {
    CpusetCpus: '0',
  });
  await box.says(/^Cpus_allowed_list:\t0$/m);
  assert.match(await box.log(), /^on 1$/m);
  assert.equal((await box.reading()).limits?.cpuset?.cpus, '0');
  return box.remove();
}

async function weighed(host: LimitsHost): Promise<undefined> {
  const line = inside('weight', ['cpu/cpu.shares', 'cpu.weight']);
  const box = await start(host, `${line}; sleep 1000`, { CpuShares: 512, MemoryReservation: 16 * M });
  await box.says(/^weight \d+$/m);
  const { version, limits } = await box.reading();
  // 1 + (512 - 2) * 9999 / 262142
  assert.match(await box.log(), version === 1 ? /^weight 512$/m : /^weight 20$/m);
  assert.equal(version === 1 ? limits?.cpu?.shares : limits?.cpu?.weight, version === 1 ? 512 : 20);
  assert.equal(limits?.memory?.reservation, 16 * M);
  return box.remove();
}

/** A line of shell: a word and what the first file of these below /sys/fs/cgroup holds. */
function inside(word: string, files: readonly string[]): string {
  const paths = files.map((file) => `/sys/fs/cgroup/${file}`).join(' ');
  return `echo "${word} $(cat ${paths} 2>/dev/null)"`;
}

/** A container that runs a shell line. */
interface Box {
  readonly id: string;
  log(): Promise<string>;
  /** Waits until it has printed this. */
  says(pattern: RegExp, milliseconds?: number): Promise<void>;
  reading(): Promise<CgroupReading>;
  untilReading(what: string, isSo: (now: CgroupReading) => boolean): Promise<CgroupReading>;
  inspect(): Promise<{ State: { Running: boolean; Paused: boolean; OOMKilled: boolean } }>;
  /** Actions that were announced of it so far. */
  events(): Promise<string[]>;
  act(action: 'pause' | 'unpause'): Promise<void>;
  remove(): Promise<undefined>;
}

async function start(host: LimitsHost, line: string, limits: object): Promise<Box> {
  const since = Math.floor(Date.now() / 1000) - 1;
  const told = async (method: string, path: string, body?: unknown): Promise<string> => {
    const answer = await host.ask(method, path, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.body}`);
    return answer.body;
  };
  const created = await told('POST', '/containers/create', {
    Image: host.image,
    Cmd: ['sh', '-c', line],
    Tty: true,
    HostConfig: { NetworkMode: 'none', ...limits },
  });
  const { Id: id, Warnings: warnings }: { Id: string; Warnings: string[] } = JSON.parse(created);
  assert.deepEqual(warnings, []);
  await told('POST', `/containers/${id}/start`);
  const box: Box = {
    id,
    log: async () => (await told('GET', `/containers/${id}/logs?stdout=1&stderr=1`)).replaceAll('\r', ''),
    says: (pattern, milliseconds) =>
      until(`it says ${pattern}`, async () => pattern.test(await box.log()), milliseconds),
    reading: async () => JSON.parse(await told('GET', `/porthole/v1/containers/${id}/cgroup`)),
    untilReading: async (what, isSo) => {
      let now = await box.reading();
      await until(what, async () => {
        now = await box.reading();
        return isSo(now);
      });
      return now;
    },
    inspect: async () => JSON.parse(await told('GET', `/containers/${id}/json`)),
    events: async () => {
      const filters = encodeURIComponent(JSON.stringify({ container: [id] }));
      const until = (Date.now() / 1000).toFixed(3);
      const text = await told('GET', `/events?since=${since}&until=${until}&filters=${filters}`);
      return text
        .split('\n')
        .filter((event) => event !== '')
        .map((event): string => JSON.parse(event).Action);
    },
    act: async (action) => void (await told('POST', `/containers/${id}/${action}`)),
    remove: async () => void (await told('DELETE', `/containers/${id}?force=1&v=1`)),
  };
  return box;
}

async function until(what: string, isSo: () => Promise<boolean>, milliseconds = 120_000): Promise<void> {
  for (const deadline = Date.now() + milliseconds; !(await isSo()); ) {
    if (Date.now() > deadline) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The whole disk that holds a directory: the kernel throttles disks, not their partitions. */
async function diskOf(directory: string): Promise<{ path: string; numbers: string } | undefined> {
  const number = BigInt((await stat(directory)).dev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn);
  const read = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);
  const place = `/sys/dev/block/${major}:${minor}`;
  const isPartition = (await read(`${place}/partition`)) !== undefined;
  const disk = isPartition ? `${place}/..` : place;
  const name = /^DEVNAME=(.*)$/m.exec((await read(`${disk}/uevent`)) ?? '')?.[1];
  const numbers = (await read(`${disk}/dev`))?.trim();
  return name === undefined || numbers === undefined ? undefined : { path: `/dev/${name}`, numbers };
}
