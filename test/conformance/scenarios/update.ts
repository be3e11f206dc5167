import { quiet, type Scenario, scenario, seenAs } from '../scenario.ts';

/** `docker update`. */
export const updateScenarios: readonly Scenario[] = [
  scenario(
    'update of a running container',
    quiet('run -d --name up -m 64m busybox sleep 100'),
    'update -m 32m --memory-swap 64m up',
    'exec up cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes',
    'update --cpus 0.5 --pids-limit 50 --cpu-shares 512 up',
    'exec up cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/cpu/cpu.shares',
    `inspect -f '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.CpuShares}}' up`,
    'update --restart on-failure:3 up',
    `inspect -f '{{json .HostConfig.RestartPolicy}}' up`,
  ),
  scenario(
    'update of one that does not run',
    quiet('create --name made busybox sleep 100'),
    'update -m 32m --memory-swap 64m --cpuset-cpus 0 made',
    'start made',
    'exec made cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpuset/cpuset.cpus',
  ),
  scenario(
    'updates that are wrong',
    quiet('run -d --name up -m 64m busybox sleep 100'),
    'update -m 1m up',
    'update -m 128m up',
    'update --cpus 500 up',
    'update --cpu-quota 10000 --cpus 1 up',
    'update --restart sometimes up',
    seenAs((text) => text.replace(/\d-\d+/g, 'A-B'), 'update --cpuset-cpus 4000 up'),
    'update -m 32m nobody',
    'update up',
    'update --restart always up nobody',
  ),
  scenario(
    'update of a container that removes itself',
    quiet('run -d --rm --name self busybox sleep 100'),
    'update --restart always self',
    'kill self',
  ),
];
