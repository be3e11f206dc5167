import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCgroup } from '../../../src/agent/cgroup/reading.ts';
import type { CgroupFacts } from '../../../src/agent/plan/facts.ts';

/** Files as real kernels wrote them: 6.18 with v1, Debian's 6.1 with v2. */
describe('a cgroup’s figures', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync('/tmp/porthole-cgroup-test-');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const put = (directory: string, files: Readonly<Record<string, string>>): void => {
    mkdirSync(join(root, directory), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(root, directory, name), text);
  };

  it('come from v2’s files', async () => {
    put('porthole/x', {
      'cpu.stat':
        'usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 10\nnr_throttled 3\nthrottled_usec 70\n',
      'cpu.max': '50000 100000\n',
      'cpu.weight': '39\n',
      'cpuset.cpus.effective': '0-1\n',
      'cpuset.mems.effective': '0\n',
      'cgroup.events': 'populated 1\nfrozen 1\n',
      'memory.high': 'max\n',
      'memory.low': '4096\n',
      'memory.swap.max': 'max\n',
      'io.max': '4000:0 rbps=max wbps=1000 riops=5 wiops=max\n',
      'io.weight': 'default 100\n',
      'memory.current': '1048576\n',
      'memory.max': '67108864\n',
      'memory.swap.current': '4096\n',
      'memory.stat': 'anon 100\nfile 200\nkernel 300\ninactive_file 50\n',
      'memory.events': 'low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\noom_group_kill 0\n',
      'pids.current': '3\n',
      'pids.max': 'max\n',
      'pids.events': 'max 5\n',
      'io.stat':
        '4000:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n4000:16 rbytes=1 wbytes=2 rios=3 wios=4\n7:0 \n',
      'cpu.pressure': 'some avg10=1.50 avg60=0.25 avg300=0.00 total=123\n',
      'memory.pressure':
        'some avg10=0.00 avg60=0.00 avg300=0.00 total=5\nfull avg10=2.00 avg60=0.00 avg300=0.00 total=4\n',
    });
    const facts: CgroupFacts = { version: 2, root, controllers: ['cpu', 'memory', 'pids', 'io'] };
    const { at, ...reading } = await readCgroup(facts, '/porthole/x');
    assert.ok(Math.abs(at - Date.now()) < 10_000);
    assert.deepEqual(reading, {
      version: 2,
      path: '/porthole/x',
      cpu: {
        usage: 1_500_000,
        user: 1_000_000,
        system: 500_000,
        throttledTime: 70_000,
        throttledPeriods: 3,
        periods: 10,
        limit: 0.5,
      },
      memory: {
        current: 1048576,
        anon: 100,
        file: 200,
        kernel: 300,
        swap: 4096,
        inactiveFile: 50,
        limit: 67108864,
        oomKills: 1,
        events: { low: 0, high: 0, max: 7, oom: 2, oomKill: 1 },
      },
      pids: { current: 3, refused: 5 },
      io: {
        readBytes: 11,
        writeBytes: 22,
        reads: 4,
        writes: 6,
        devices: [
          { device: '4000:0', readBytes: 10, writeBytes: 20, reads: 1, writes: 2 },
          { device: '4000:16', readBytes: 1, writeBytes: 2, reads: 3, writes: 4 },
        ],
      },
      frozen: true,
      limits: {
        cpu: { quota: 50_000, period: 100_000, weight: 39 },
        cpuset: { cpus: '0-1', mems: '0' },
        memory: { max: 67108864, reservation: 4096 },
        pids: {},
        io: { weight: 100, devices: [{ device: '4000:0', writeBytes: 1000, reads: 5 }] },
      },
      pressure: {
        cpu: { some: { avg10: 1.5, avg60: 0.25, total: 123 } },
        memory: { some: { avg10: 0, avg60: 0, total: 5 }, full: { avg10: 2, avg60: 0, total: 4 } },
      },
    });
  });

  it('come from v1’s files, each hierarchy its own', async () => {
    put('cpu/x', {
      'cpu.stat': 'nr_periods 4\nnr_throttled 1\nthrottled_time 99\n',
      'cpu.cfs_quota_us': '-1\n',
      'cpu.cfs_period_us': '100000\n',
      'cpu.shares': '512\n',
    });
    put('acct/x', { 'cpuacct.usage': '123456789\n', 'cpuacct.stat': 'user 7\nsystem 5\n' });
    put('memory/x', {
      'memory.usage_in_bytes': '5000\n',
      'memory.max_usage_in_bytes': '9000\n',
      'memory.limit_in_bytes': '8000\n',
      'memory.memsw.limit_in_bytes': '9000\n',
      'memory.soft_limit_in_bytes': '9223372036854771712\n',
      'memory.swappiness': '7\n',
      'memory.failcnt': '4\n',
      'memory.memsw.usage_in_bytes': '5600\n',
      'memory.kmem.usage_in_bytes': '70\n',
      'memory.stat': 'cache 1\nrss 2\ntotal_cache 30\ntotal_rss 40\ntotal_inactive_file 20\n',
      'memory.oom_control': 'oom_kill_disable 1\nunder_oom 0\noom_kill 3\n',
    });
    put('blkio/x', {
      'blkio.throttle.io_service_bytes': '4000:0 Read 10\n4000:0 Write 20\n4000:0 Total 30\nTotal 30\n',
      'blkio.throttle.read_bps_device': '4000:0 99\n',
      'blkio.throttle.write_iops_device': '4000:0 5\n',
      'blkio.bfq.weight': '300\n',
      'blkio.throttle.io_serviced': '4000:0 Read 1\n4000:0 Write 2\n',
    });
    put('freezer/x', { 'freezer.state': 'THAWED\n' });
    const hierarchies = [
      { root: join(root, 'cpu'), controllers: ['cpu'] },
      { root: join(root, 'acct'), controllers: ['cpuacct'] },
      { root: join(root, 'memory'), controllers: ['memory'] },
      { root: join(root, 'blkio'), controllers: ['blkio'] },
      { root: join(root, 'freezer'), controllers: ['freezer'] },
    ];
    const { at: _at, ...reading } = await readCgroup({ version: 1, hierarchies }, '/x');
    assert.deepEqual(reading, {
      version: 1,
      path: '/x',
      cpu: {
        usage: 123456789,
        user: 70_000_000,
        system: 50_000_000,
        throttledTime: 99,
        throttledPeriods: 1,
        periods: 4,
      },
      memory: {
        current: 5000,
        peak: 9000,
        anon: 40,
        file: 30,
        kernel: 70,
        swap: 600,
        inactiveFile: 20,
        limit: 8000,
        oomKills: 3,
        events: { max: 4, oomKill: 3 },
      },
      io: {
        readBytes: 10,
        writeBytes: 20,
        reads: 1,
        writes: 2,
        devices: [{ device: '4000:0', readBytes: 10, writeBytes: 20, reads: 1, writes: 2 }],
      },
      frozen: false,
      limits: {
        cpu: { period: 100_000, shares: 512 },
        memory: { max: 8000, swap: 1000, swappiness: 7, killerOff: true },
        io: { weight: 300, devices: [{ device: '4000:0', readBytes: 99, writes: 5 }] },
      },
    });
  });

  it('are absent where there is no such cgroup', async () => {
    const { at: _at, ...reading } = await readCgroup({ version: 2, root, controllers: [] }, '/none');
    assert.deepEqual(reading, { version: 2, path: '/none' });
  });
});
