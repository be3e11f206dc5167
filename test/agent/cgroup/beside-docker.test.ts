import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { busyboxTar } from '../../conformance/engine.ts';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { type Dockerd, startDockerd } from '../../support/dockerd.ts';
import { which } from '../../support/tools.ts';

/** The same HostConfig for dockerd with runc and for us: afterwards the kernel holds the same values. */
describe('limits in the kernel, beside dockerd and runc', function () {
  this.timeout(120_000);
  let agent: RunningAgent;
  let dockerd: Dockerd;

  before(async function () {
    if (which('dockerd') === undefined) {
      console.log('      skipped: dockerd is missing');
      return this.skip();
    }
    if (!existsSync('/sys/fs/cgroup/memory/memory.limit_in_bytes')) {
      console.log('      skipped: Debian’s dockerd is compared on cgroup v1');
      return this.skip();
    }
    [agent, dockerd] = await Promise.all([startAgent(), startDockerd()]);
    const tar = await busyboxTar();
    await Promise.all([agent.socket, dockerd.socket].map((socket) => load(socket, tar)));
  });
  after(async () => {
    await Promise.all([agent?.stop(), dockerd?.stop()]);
  });

  const M = 1 << 20;
  const disk = readFileSync('/proc/partitions', 'utf8').match(/\b(vd[a-z]|sd[a-z]|nvme\d+n\d+|xvd[a-z])$/m)?.[1];
  const table: readonly object[] = [
    {},
    { Memory: 64 * M },
    { Memory: 64 * M, MemorySwap: 64 * M },
    { Memory: 64 * M, MemorySwap: -1, MemoryReservation: 32 * M, MemorySwappiness: 10 },
    { MemoryReservation: 32 * M },
    { Memory: 64 * M, OomKillDisable: true },
    { OomScoreAdj: 500 },
    { CpuShares: 512 },
    { CpuPeriod: 50_000, CpuQuota: 25_000 },
    { CpuQuota: 20_000 },
    { CpuQuota: -1 },
    { NanoCpus: 750_000_000 },
    { CpusetCpus: '0', CpusetMems: '0' },
    { PidsLimit: 33 },
    { PidsLimit: -1 },
    {
      Ulimits: [
        { Name: 'nofile', Soft: 100, Hard: 200 },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
    },
    { ShmSize: 8 * M },
    { DeviceCgroupRules: ['c 42:* rmw', 'b 7:1 r'] },
    ...(disk === undefined
      ? []
      : [
          {
            BlkioDeviceReadBps: [{ Path: `/dev/${disk}`, Rate: M }],
            BlkioDeviceWriteBps: [{ Path: `/dev/${disk}`, Rate: 2 * M }],
            BlkioDeviceReadIOps: [{ Path: `/dev/${disk}`, Rate: 100 }],
            BlkioDeviceWriteIOps: [{ Path: `/dev/${disk}`, Rate: 200 }],
          },
        ]),
  ];
  for (const limits of table) {
    it(JSON.stringify(limits), async () => {
      const [ours, theirs] = await Promise.all([valuesWith(agent.socket, limits), valuesWith(dockerd.socket, limits)]);
      assert.deepEqual(ours, theirs);
    });
  }

  it('but for the limit of TCP memory, which runc dropped and the kernel of v1 still has', async () => {
    const limits = { KernelMemoryTCP: 32 * M };
    const [ours, theirs] = await Promise.all([valuesWith(agent.socket, limits), valuesWith(dockerd.socket, limits)]);
    const file = 'memory.kmem.tcp.limit_in_bytes';
    assert.equal(ours[file], String(32 * M));
    assert.deepEqual({ ...ours, [file]: theirs[file] }, theirs);
  });

  async function valuesWith(socket: string, limits: object): Promise<Record<string, string>> {
    const told = async (method: string, path: string, body?: unknown): Promise<string> => {
      const answer = await ask(socket, method, `/v1.41${path}`, body);
      assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.body}`);
      return answer.body;
    };
    const created = await told('POST', '/containers/create', {
      Image: 'limits/busybox:1',
      Cmd: ['sleep', '1000'],
      HostConfig: { NetworkMode: 'none', ...limits },
    });
    const { Id: id, Warnings: warnings }: { Id: string; Warnings: string[] } = JSON.parse(created);
    try {
      await told('POST', `/containers/${id}/start`);
      const { State }: { State: { Pid: number } } = JSON.parse(await told('GET', `/containers/${id}/json`));
      return { ...valuesOf(State.Pid), warnings: warnings.join() };
    } finally {
      await told('DELETE', `/containers/${id}?force=1`);
    }
  }
});

const files = [
  ...['limit_in_bytes', 'memsw.limit_in_bytes', 'soft_limit_in_bytes', 'swappiness', 'kmem.tcp.limit_in_bytes'].map(
    (name) => `memory.${name}`,
  ),
  ...['shares', 'cfs_quota_us', 'cfs_period_us', 'rt_runtime_us', 'rt_period_us'].map((name) => `cpu.${name}`),
  'pids.max',
  ...['read_bps', 'write_bps', 'read_iops', 'write_iops'].map((name) => `blkio.throttle.${name}_device`),
];

function valuesOf(pid: number): Record<string, string> {
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  const read = (controller: string, file: string): string => {
    const path = new RegExp(`:${controller}:(.*)$`, 'm').exec(groups)?.[1];
    return readFileSync(`/sys/fs/cgroup/${controller}${path}/${file}`, 'utf8').trim();
  };
  const values = Object.fromEntries(files.map((file) => [file, read(file.slice(0, file.indexOf('.')), file)]));
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    ...values,
    oomKillDisable: read('memory', 'memory.oom_control').split('\n')[0] ?? '',
    devices: read('devices', 'devices.list').split('\n').sort().join('\n'),
    // Whether the container is in a cpuset of its own is nobody's business; where it may run is.
    cpus: /^Cpus_allowed_list:\s+(.*)$/m.exec(status)?.[1] ?? '',
    mems: /^Mems_allowed_list:\s+(.*)$/m.exec(status)?.[1] ?? '',
    oomScoreAdj: readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim(),
    limits: readFileSync(`/proc/${pid}/limits`, 'utf8'),
    shm: / \/dev\/shm (.*)$/m.exec(readFileSync(`/proc/${pid}/mounts`, 'utf8'))?.[1] ?? '',
  };
}

async function load(socketPath: string, tar: Buffer): Promise<void> {
  const path = '/images/create?fromSrc=-&repo=limits/busybox&tag=1';
  await new Promise<void>((resolve, reject) => {
    request({ socketPath, path, method: 'POST', agent: false }, (response) => {
      response.resume().once('end', resolve);
    })
      .once('error', reject)
      .end(tar);
  });
}
