import { statsLine } from '../lines.ts';
import { differs, quiet, type Scenario, scenario, seenAs, withEvents } from '../scenario.ts';

const figures = (text: string) => text.replace(/\d+\.\d\d/g, 'N');
const ranges = (text: string) => text.replace(/\d-\d+/g, 'A-B');

/** Limits of memory, CPU, processes, and what is impossible. */
export const limitScenarios: readonly Scenario[] = [
  scenario(
    'limits of memory, CPU and processes',
    'run -d --name small -m 64m --cpus 0.5 --pids-limit 20 busybox sleep 100',
    seenAs(statsLine, `stats --no-stream --format '{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}' small`),
    `inspect -f '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}' small`,
    `exec small sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max'`,
    `exec small sh -c 'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us'`,
  ),
  scenario(
    'too many processes',
    seenAs(
      (text) => text.replace(/(sh: can't fork: .*\n)+/g, 'cannot fork\n'),
      `run --rm --pids-limit 8 busybox sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; kill 0'`,
    ),
    `run --rm --pids-limit -1 busybox cat /sys/fs/cgroup/pids/pids.max`,
    `run --rm --pids-limit 0 busybox cat /sys/fs/cgroup/pids/pids.max`,
  ),
  withEvents(
    {
      normalize: (text) => text.replace(/^container oom .*\n/gm, ''),
    },
    scenario(
      'out of memory',
      'run --name hog -m 16m --memory-swap 16m busybox tail /dev/zero',
      `inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}} {{.State.Status}}' hog`,
    ),
  ),
  scenario(
    'memory: reservation, swap, swappiness, oom score',
    `run --rm -m 64m --memory-reservation 32m busybox cat /sys/fs/cgroup/memory/memory.soft_limit_in_bytes`,
    `run --rm -m 64m --memory-swap 128m busybox cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes`,
    `run --rm -m 64m --memory-swappiness 0 busybox cat /sys/fs/cgroup/memory/memory.swappiness`,
    'run --rm --oom-score-adj 500 busybox cat /proc/self/oom_score_adj',
    'run --rm -m 64m --oom-kill-disable busybox grep disable /sys/fs/cgroup/memory/memory.oom_control',
    'run --rm --shm-size 1m busybox df -k /dev/shm',
  ),
  scenario(
    'CPU: shares, quota, period, sets',
    'run --rm -c 512 busybox cat /sys/fs/cgroup/cpu/cpu.shares',
    'run --rm --cpu-quota 20000 --cpu-period 50000 busybox cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us',
    'run --rm --cpuset-cpus 0 busybox cat /sys/fs/cgroup/cpuset/cpuset.cpus',
    'run --rm --cpuset-mems 0 busybox cat /sys/fs/cgroup/cpuset/cpuset.mems',
    'run --rm --cpus 1.5 busybox cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us',
  ),
  scenario(
    'impossible memory',
    'create -m 1m busybox true',
    'create -m 64m --memory-swap 32m busybox true',
    'create --memory-swap 32m busybox true',
    'create -m 64m --memory-reservation 128m busybox true',
    'create --memory-reservation 1m busybox true',
    'create --memory-swappiness 101 busybox true',
    'create --oom-score-adj 1001 busybox true',
    'create -m nonsense busybox true',
    'create --shm-size -1 busybox true',
    'ps -a',
  ),
  scenario(
    'impossible CPU',
    seenAs(figures, 'create --cpus 500 busybox true'),
    'create --cpus 1 --cpu-quota 1000 busybox true',
    'create --cpus 1 --cpu-period 1000 busybox true',
    'create --cpu-period 10 busybox true',
    'create --cpu-quota 10 busybox true',
    seenAs(ranges, 'create --cpuset-cpus 4000 busybox true'),
    'create --cpuset-cpus nonsense busybox true',
    'create --cpuset-mems 7 busybox true',
    'ps -a',
  ),
  scenario(
    'a limit of a disk for what is none',
    differs('ours names it, the kernel only refuses it', 'run --rm --device-write-iops /dev/null:10 busybox true', {
      code: 125,
      stderr:
        "docker: Error response from daemon: /dev/null is not a block device\n\nRun 'docker run --help' for more information\n",
    }),
  ),
  withEvents(
    { differs: { why: '20.10 takes it for no limit; today’s dockerd refuses it', ours: [] } },
    scenario(
      'negative CPU shares',
      differs('as its events say', 'create --cpu-shares -1 busybox true', {
        code: 1,
        stderr: 'Error response from daemon: invalid CPU shares (-1): value must be a positive integer\n',
      }),
    ),
  ),
  scenario(
    'ulimits',
    `run --rm --ulimit nofile=100:200 busybox sh -c 'ulimit -n; ulimit -Hn'`,
    `run --rm --ulimit nproc=50 --ulimit core=0 busybox sh -c 'ulimit -c; ulimit -Hc'`,
    'create --ulimit nonsense=1 busybox true',
    'create --ulimit nofile=5:3 busybox true',
    'create --name uu --ulimit cpu=10 busybox true',
    `inspect -f '{{json .HostConfig.Ulimits}}' uu`,
  ),
  scenario(
    'stats',
    quiet('create --name made busybox true'),
    'stats --no-stream nobody',
    seenAs(statsLine, `stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' made`),
    quiet('run -d --name runs -m 32m --network none busybox sleep 100'),
    seenAs(statsLine, `stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}} {{.NetIO}}' runs`),
    seenAs(statsLine, `stats --no-stream --no-trunc --format '{{.ID}} {{.Container}} {{.MemPerc}}' runs`),
  ),
];
