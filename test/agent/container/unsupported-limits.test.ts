import assert from 'node:assert/strict';
import { checkedLimits } from '../../../src/agent/container/limits.ts';
import type { HostConfig } from '../../../src/protocol/docker.ts';

/** Words of dockerd 20.10 and 28, seen beside this engine. */
describe('limits that a kernel does not have', () => {
  const M = 1 << 20;
  const device = [{ Path: '/dev/sda', Rate: 1 }];
  const gone = 'or the cgroup is not mounted.';
  const cases: readonly (readonly [HostConfig, HostConfig, string])[] = [
    [
      { Memory: 64 * M },
      { Memory: 0, MemorySwap: -1 },
      `Your kernel does not support memory limit capabilities ${gone} Limitation discarded.`,
    ],
    [
      { MemorySwappiness: 5 },
      { MemorySwappiness: undefined },
      `Your kernel does not support memory swappiness capabilities ${gone} Memory swappiness discarded.`,
    ],
    [
      { OomKillDisable: true },
      { OomKillDisable: undefined },
      'Your kernel does not support OomKillDisable. OomKillDisable discarded.',
    ],
    [
      { PidsLimit: 5 },
      { PidsLimit: undefined },
      `Your kernel does not support PIDs limit capabilities ${gone} PIDs limit discarded.`,
    ],
    [
      { CpuPeriod: 1000, CpuQuota: 1000 },
      { CpuPeriod: 0, CpuQuota: 0 },
      'Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.',
    ],
    [{ BlkioWeight: 5 }, { BlkioWeight: 0 }, `Your kernel does not support Block I/O weight ${gone} Weight discarded.`],
    [
      { BlkioDeviceWriteIOps: device },
      { BlkioDeviceWriteIOps: [] },
      `Your kernel does not support IOPS Block write limit ${gone} Block I/O IOPS write limit discarded.`,
    ],
  ];
  for (const [asked, left, warning] of cases) {
    it(`are left out with a warning: ${JSON.stringify(asked)}`, () => {
      const none = checkedLimits(asked, { limitFiles: new Set() }, { update: false });
      assert.deepEqual(none, { hostConfig: { ...asked, ...left }, warnings: [warning] });
    });
  }

  it('swap alone leaves the limit of memory', () => {
    const files = new Set(['memory.max', 'memory.low']);
    const { hostConfig, warnings } = checkedLimits({ Memory: 64 * M }, { limitFiles: files }, { update: false });
    assert.deepEqual(hostConfig, { Memory: 64 * M, MemorySwap: -1 });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^Your kernel does not support swap limit .* Memory limited without swap\.$/);
  });

  it('refuse the container where Docker does', () => {
    const without = (config: HostConfig) => () => checkedLimits(config, { limitFiles: new Set() }, { update: false });
    assert.throws(without({ NanoCpus: 5e8 }), /NanoCPUs can not be set, as your kernel does not support CPU CFS/);
    assert.throws(without({ CpuRealtimeRuntime: 1 }), {
      message: 'Your kernel does not support CPU real-time scheduler',
    });
  });

  it('nothing is left out of what is there, on v1 and on v2', () => {
    const config: HostConfig = {
      Memory: 64 * M,
      MemoryReservation: 32 * M,
      CpuShares: 512,
      CpuQuota: 5000,
      PidsLimit: 5,
      CpusetCpus: '0',
      BlkioWeight: 300,
      BlkioDeviceReadBps: device,
    };
    const files = {
      v1: 'memory.limit_in_bytes memory.memsw.limit_in_bytes memory.soft_limit_in_bytes cpu.shares cpu.cfs_quota_us pids.max cpuset.cpus blkio.bfq.weight blkio.throttle.read_bps_device',
      v2: 'memory.max memory.swap.max memory.low cpu.weight cpu.max pids.max cpuset.cpus io.weight io.max',
    };
    for (const names of Object.values(files)) {
      const limitFiles = new Set(names.split(' '));
      assert.deepEqual(checkedLimits(config, { limitFiles }, { update: false }), { hostConfig: config, warnings: [] });
    }
  });

  const impossible: readonly (readonly [HostConfig, string])[] = [
    [{ KernelMemory: M }, 'Minimum kernel memory limit allowed is 6MB'],
    [{ CpuShares: 1 }, 'the minimum allowed cpu-shares is 2'],
    [{ CpuShares: 262145 }, 'the maximum allowed cpu-shares is 262144'],
    [
      { CpuRealtimePeriod: 1_000_000, CpuRealtimeRuntime: 2_000_000 },
      'cpu real-time runtime cannot be higher than cpu real-time period',
    ],
    [{ IOMaximumIOps: 5 }, 'Invalid QoS settings: linux does not support configuration of maximum IOPs'],
    [{ IOMaximumBandwidth: 5 }, 'Invalid QoS settings: linux does not support configuration of maximum bandwidth'],
    [{ BlkioWeight: 5 }, 'Range of blkio weight is from 10 to 1000'],
    [{ BlkioWeight: -1 }, 'Range of blkio weight is from 10 to 1000'],
    [{ BlkioDeviceReadBps: [{ Path: '/x', Rate: -1 }] }, 'invalid BlkioDeviceReadBps of /x: -1 is not a rate'],
    [{ MemorySwappiness: -2 }, 'Invalid value: -2, valid memory swappiness range is 0-100'],
    [{ MemoryReservation: M }, 'Minimum memory reservation allowed is 6MB'],
    [{ CpusetCpus: '9' }, 'Requested CPUs are not available - requested 9, available: 0-1'],
    [{ CpusetCpus: '0-99999999' }, 'Invalid value 0-99999999 for cpuset cpus: value of out range, maximum is 8192'],
    [{ CpusetMems: 'x' }, 'Invalid value x for cpuset mems: invalid format: x'],
    [{ Memory: 1e30 }, 'Memory is out of range: 1e+30'],
  ];
  for (const [asked, words] of impossible) {
    it(`cannot be: ${JSON.stringify(asked)}`, () => {
      const host = { processors: { cpus: '0-1', mems: '0' } };
      assert.throws(() => checkedLimits(asked, host, { update: false }), { message: words });
    });
  }

  it('advise as Docker does', () => {
    const { warnings } = checkedLimits({ OomKillDisable: true, KernelMemory: 64 * M }, {}, { update: false });
    assert.deepEqual(warnings, [
      'Specifying a kernel memory limit is deprecated and will be removed in a future release.',
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    ]);
  });
});
