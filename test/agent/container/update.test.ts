import assert from 'node:assert/strict';
import { readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isKind } from '../../../src/base/errors.ts';
import type { HostConfig, UpdateBody } from '../../../src/protocol/docker.ts';
import { cgroupsOf, never, openRig, type Rig } from './rig.ts';

const M = 1 << 20;

describe('containers: update', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async function () {
    rig = await openRig();
    if (rig.host.cgroup.version === 2) this.skip();
  });
  after(() => rig.close());

  /** A file of the container's cgroup (v1), first line. */
  function kernel(id: string, file: string): string {
    const controller = file.slice(0, file.indexOf('.'));
    const { pid } = rig.containers.get(id).state;
    const path = new RegExp(`:${controller}:(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1];
    assert.ok(path?.endsWith(id) === true, `${controller}: ${path}`);
    return readFileSync(join('/sys/fs/cgroup', controller, path, file), 'utf8').split('\n')[0] ?? '';
  }

  async function running(hostConfig: HostConfig): Promise<string> {
    return rig.run(['sleep', '1000'], { hostConfig: { NetworkMode: 'none', ...hostConfig } });
  }

  it('changes every limit of a running container at once', async () => {
    const id = await running({ Memory: 64 * M, PidsLimit: 20, CpuQuota: 50_000 });
    const { warnings } = await rig.containers.update(id, {
      Memory: 256 * M,
      MemorySwap: 300 * M,
      MemoryReservation: 32 * M,
      CpuShares: 512,
      CpuQuota: 5000,
      CpuPeriod: 10_000,
      PidsLimit: 30,
      MemorySwappiness: 7,
    });
    assert.deepEqual(warnings, []);
    const files = {
      'memory.limit_in_bytes': String(256 * M),
      'memory.memsw.limit_in_bytes': String(300 * M),
      'memory.soft_limit_in_bytes': String(32 * M),
      'memory.swappiness': '7',
      'cpu.shares': '512',
      'cpu.cfs_quota_us': '5000',
      'cpu.cfs_period_us': '10000',
      'pids.max': '30',
    };
    for (const [file, value] of Object.entries(files)) assert.equal(kernel(id, file), value, file);
    assert.deepEqual(rig.eventsOf(id).slice(-1), ['update']);
    // A life later it is still so.
    await rig.containers.restart(id, { seconds: 0 });
    for (const [file, value] of Object.entries(files)) assert.equal(kernel(id, file), value, file);
    await rig.containers.update(id, { PidsLimit: -1, MemorySwap: -1 });
    assert.equal(kernel(id, 'pids.max'), 'max');
    assert.ok(Number(kernel(id, 'memory.memsw.limit_in_bytes')) > 2 ** 62);
    assert.equal(rig.containers.get(id).hostConfig.PidsLimit, 0);
    await rig.containers.remove(id, { force: true, volumes: true });
  });

  it('puts a running container on other processors, its later processes too, and cleans up', async () => {
    const id = await running({});
    await rig.containers.update(id, { CpusetCpus: '0' });
    assert.equal(kernel(id, 'cpuset.cpus'), '0');
    const inside = await rig.exec(id, ['sh', '-c', 'grep Cpus_allowed_list /proc/1/status /proc/self/status; nproc']);
    assert.match(
      inside.stdout,
      /^\/proc\/1\/status:Cpus_allowed_list:\t0\n\/proc\/self\/status:Cpus_allowed_list:\t0\n1\n$/,
    );
    // It was in no cpuset of its own: now it is, and sees it, read only as the others.
    const view = await rig.exec(id, [
      'sh',
      '-c',
      'cat /sys/fs/cgroup/cpuset/cpuset.cpus; ls /sys/fs/cgroup | grep -x cpuset; echo 1 > /sys/fs/cgroup/cpuset/cpuset.cpus; mkdir /sys/fs/cgroup/x',
    ]);
    assert.equal(view.stdout, '0\ncpuset\n');
    assert.equal(view.stderr.match(/Read-only file system/g)?.length, 2, view.stderr);
    await rig.containers.update(id, { CpusetCpus: '0,1' });
    assert.equal((await rig.exec(id, ['cat', '/sys/fs/cgroup/cpuset/cpuset.cpus'])).stdout, '0-1\n');
    await rig.containers.kill(id, 'KILL');
    await rig.containers.wait(id, 'not-running', never);
    assert.deepEqual(await cgroupsOf(rig.host, id), []);
    await rig.containers.remove(id, { force: true, volumes: true });
  });

  it('changes what a stopped container will have', async () => {
    const id = await rig.create(['sleep', '1000']);
    await rig.containers.update(id, { CpuShares: 300, RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } });
    assert.deepEqual(rig.containers.get(id).hostConfig.RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 3 });
    await rig.containers.shutdown();
    await rig.reopen();
    await rig.containers.start(id);
    assert.equal(kernel(id, 'cpu.shares'), '300');
    await rig.containers.pause(id);
    await rig.containers.update(id, { CpuShares: 400 });
    assert.equal(kernel(id, 'cpu.shares'), '400');
    await rig.containers.remove(id, { force: true, volumes: true });
  });

  it('changes nothing when the kernel refuses one of several', async () => {
    // More than the parent cgroup has: the kernel finds that only when it is written.
    const parent = `/porthole-test-update-${process.pid}`;
    const id = await running({ CgroupParent: parent, PidsLimit: 20, CpuShares: 500 });
    try {
      writeFileSync(`/sys/fs/cgroup/cpu${parent}/cpu.cfs_quota_us`, '50000');
      const change: UpdateBody = {
        Memory: 64 * M,
        MemorySwap: 128 * M,
        CpuShares: 600,
        CpuQuota: 90_000,
        PidsLimit: 30,
      };
      const before = rig.containers.get(id).hostConfig;
      await assert.rejects(rig.containers.update(id, change), (failure: unknown) => {
        assert.ok(isKind(failure, 'internal'), String(failure));
        assert.match(
          failure.message,
          new RegExp(`^Cannot update container ${id}: echo 90000 > .*cpu.cfs_quota_us: write: EINVAL`),
        );
        return true;
      });
      assert.deepEqual(rig.containers.get(id).hostConfig, before);
      assert.equal(kernel(id, 'cpu.shares'), '500');
      assert.equal(kernel(id, 'pids.max'), '20');
      assert.ok(Number(kernel(id, 'memory.limit_in_bytes')) > 2 ** 62);
      assert.notEqual(rig.eventsOf(id).at(-1), 'update');
      await rig.containers.update(id, { CpuQuota: 40_000 });
      assert.equal(kernel(id, 'cpu.cfs_quota_us'), '40000');
    } finally {
      await rig.containers.remove(id, { force: true, volumes: true });
      for (const name of ['cpu', 'cpuacct', 'memory', 'devices', 'freezer', 'blkio', 'pids', 'cpuset']) {
        try {
          rmdirSync(`/sys/fs/cgroup/${name}${parent}`);
        } catch {
          // Not every hierarchy was joined.
        }
      }
    }
  });

  const conflicts: readonly (readonly [HostConfig, UpdateBody, 'conflict' | 'invalid', string])[] = [
    [
      {},
      { Memory: 64 * M },
      'conflict',
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    ],
    [
      { NanoCpus: 5e8 },
      { CpuQuota: 50_000 },
      'conflict',
      'Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set',
    ],
    [
      { CpuPeriod: 50_000 },
      { NanoCpus: 5e8 },
      'conflict',
      'Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set',
    ],
    [
      { AutoRemove: true },
      { RestartPolicy: { Name: 'always' } },
      'conflict',
      'Restart policy cannot be updated because AutoRemove is enabled for the container',
    ],
    [{}, { RestartPolicy: { Name: 'bogus' } }, 'invalid', "invalid restart policy 'bogus'"],
    [{}, { Memory: 1 }, 'invalid', 'Minimum memory limit allowed is 6MB'],
    [{}, { CpusetCpus: '99' }, 'invalid', 'Requested CPUs are not available'],
    [
      { Memory: 64 * M },
      { MemorySwap: 32 * M },
      'invalid',
      'Minimum memoryswap limit should be larger than memory limit',
    ],
    [{}, { Ulimits: [{ Name: 'nofile', Soft: 5, Hard: 6 }] }, 'invalid', 'Updating Ulimits is not supported yet'],
  ];
  for (const [hostConfig, change, kind, words] of conflicts) {
    it(`refuses ${JSON.stringify(change)} for ${JSON.stringify(hostConfig)}`, async () => {
      const id = await rig.create(['true'], { hostConfig: { NetworkMode: 'none', ...hostConfig } });
      const before = rig.containers.get(id).hostConfig;
      await assert.rejects(rig.containers.update(id, change), (failure: unknown) => {
        assert.ok(isKind(failure, kind), String(failure));
        assert.ok(failure.message.includes(words), failure.message);
        if (kind === 'conflict') assert.ok(failure.message.startsWith(`Cannot update container ${id}: `));
        return true;
      });
      assert.deepEqual(rig.containers.get(id).hostConfig, before);
      await rig.containers.remove(id, { force: true, volumes: true });
    });
  }
});
