import assert from 'node:assert/strict';
import type { Resources } from '../../../src/agent/oci/runtime.ts';
import { limitUpdate } from '../../../src/agent/plan/cgroup-update.ts';
import { hosts } from './hosts.ts';

/** What is written, as 'FILE VALUE', in order. */
function writes(host: keyof typeof hosts, before: Resources, after: Resources): string[] {
  const update = limitUpdate({ before, after }, { path: '/p/c', host: hosts[host] });
  return update.writes.map(({ path, value }) => `${path.slice(path.lastIndexOf('/') + 1)} ${value}`);
}

describe('the change of a running container’s limits', () => {
  const M = 1 << 20;
  const memory = (limit: number, swap: number): Resources => ({ memory: { limit: limit * M, swap: swap * M } });
  const cpu = (quota: number, period: number): Resources => ({ cpu: { quota, period } });

  it('writes only what changes', () => {
    const both: Resources = { ...memory(64, 128), pids: { limit: 5 } };
    assert.deepEqual(writes('v1', both, both), []);
    assert.deepEqual(writes('v2', both, { ...both, pids: { limit: 6 } }), ['pids.max 6']);
  });

  it('keeps memory below memory and swap on the way (v1)', () => {
    const [limit, swap] = ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'];
    assert.deepEqual(writes('v1', memory(64, 128), memory(256, 512)), [`${swap} ${512 * M}`, `${limit} ${256 * M}`]);
    assert.deepEqual(writes('v1', memory(64, 128), memory(32, 48)), [`${limit} ${32 * M}`, `${swap} ${48 * M}`]);
    assert.deepEqual(writes('v1', {}, memory(64, 128)), [`${limit} ${64 * M}`, `${swap} ${128 * M}`]);
    const unlimited: Resources = { memory: { limit: 256 * M, swap: -1 } };
    assert.deepEqual(writes('v1', memory(64, 128), unlimited), [`${swap} -1`, `${limit} ${256 * M}`]);
  });

  it('counts swap alone on v2', () => {
    const change = writes('v2', memory(64, 128), memory(256, 512));
    assert.deepEqual(change, [`memory.max ${256 * M}`, `memory.swap.max ${256 * M}`]);
    assert.deepEqual(writes('v2', memory(64, 128), { memory: { limit: 64 * M, swap: -1 } }), ['memory.swap.max max']);
    // The same sum with more memory is less swap.
    assert.deepEqual(writes('v2', memory(64, 128), memory(96, 128)), [
      `memory.max ${96 * M}`,
      `memory.swap.max ${32 * M}`,
    ]);
  });

  it('never gives more CPU on the way than before or after', () => {
    const [period, quota] = ['cpu.cfs_period_us', 'cpu.cfs_quota_us'];
    assert.deepEqual(writes('v1', cpu(50_000, 100_000), cpu(5000, 10_000)), [`${quota} 5000`, `${period} 10000`]);
    assert.deepEqual(writes('v1', cpu(5000, 10_000), cpu(50_000, 100_000)), [`${period} 100000`, `${quota} 50000`]);
    assert.deepEqual(writes('v2', cpu(5000, 10_000), cpu(50_000, 100_000)), ['cpu.max 50000 100000']);
  });

  it('lifts what is no longer asked for', () => {
    const disk = { major: 8, minor: 0, rate: 1000 };
    const before: Resources = {
      pids: { limit: 5 },
      blockIO: { throttleReadBpsDevice: [disk], throttleWriteIOPSDevice: [disk, { ...disk, minor: 16 }] },
    };
    const after: Resources = { blockIO: { throttleWriteIOPSDevice: [{ ...disk, rate: 5 }] } };
    assert.deepEqual(writes('v1', before, after), [
      'pids.max max',
      'blkio.throttle.read_bps_device 8:0 0',
      'blkio.throttle.write_iops_device 8:16 0',
      'blkio.throttle.write_iops_device 8:0 5',
    ]);
    assert.deepEqual(writes('v2', before, after), [
      'pids.max max',
      'io.max 8:0 rbps=max',
      'io.max 8:16 wiops=max',
      'io.max 8:0 wiops=5',
    ]);
    assert.deepEqual(writes('v2', memory(64, 128), {}), ['memory.max max', 'memory.swap.max max']);
  });

  it('makes a cpuset for a container that is in none (v1)', () => {
    const after: Resources = { cpu: { cpus: '1' } };
    const { make, writes: all, entersCpuset } = limitUpdate({ before: {}, after }, { path: '/p/c', host: hosts.v1 });
    assert.equal(entersCpuset, true);
    assert.deepEqual(
      make.map((step) => step.op),
      ['mkdirs', 'inherit', 'inherit', 'inherit', 'inherit'],
    );
    assert.deepEqual(
      all.map(({ path }) => path),
      ['/sys/fs/cgroup/cpuset/p/c/cpuset.cpus'],
    );
    assert.equal(limitUpdate({ before: after, after }, { path: '/p/c', host: hosts.v1 }).entersCpuset, false);
    assert.equal(limitUpdate({ before: {}, after }, { path: '/p/c', host: hosts.v2 }).entersCpuset, false);
  });
});
