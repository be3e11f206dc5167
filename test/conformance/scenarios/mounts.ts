import { sorted } from '../lines.ts';
import { quiet, type Scenario, scenario, seenAs, shell } from '../scenario.ts';

const options = (path: string) => `awk '$5 == "${path}" { print $6 }' /proc/self/mountinfo`;

/** Binds and tmpfs. */
export const mountScenarios: readonly Scenario[] = [
  scenario(
    'binds',
    quiet(shell('mkdir data; echo host > data/f')),
    'run --rm -v ./data:/d busybox cat /d/f',
    `run --rm -v ./data:/d busybox sh -c 'echo more >> /d/f'`,
    shell('cat data/f'),
    `run --rm -v ./data:/d:ro busybox sh -c 'echo no >> /d/f'`,
    'run --rm -v ./data/f:/etc/motd busybox cat /etc/motd',
    `run --rm -v ./made/by/engine:/d busybox touch /d/x`,
    shell('ls made/by/engine'),
    'create -v ./data:relative busybox true',
    'create -v ./data:/d:nonsense busybox true',
    'create -v ./data:/d -v ./data:/d busybox true',
    'create -v /:/ busybox true',
  ),
  scenario(
    '--mount type=bind',
    quiet(shell('mkdir data; echo host > data/f')),
    `run --rm --mount type=bind,source=./data,target=/d busybox cat /d/f`,
    `run --rm --mount type=bind,source=./data,target=/d,readonly busybox touch /d/x`,
    'create --mount type=bind,source=./nothere,target=/d busybox true',
    'create --mount type=bind,source=./data busybox true',
    'create --mount type=bind,target=/d busybox true',
    'create --mount type=nonsense,target=/d busybox true',
    'create --mount type=bind,source=./data,target=/d,nonsense=1 busybox true',
    'create --mount type=bind,source=./data,target=/ busybox true',
  ),
  scenario(
    'binds in inspect and ps',
    quiet(shell('mkdir data')),
    'create --name bb -v ./data:/rw -v ./data:/ro:ro --mount type=bind,source=./data,target=/m --tmpfs /t busybox true',
    seenAs(
      sorted,
      `inspect -f '{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.Mode}} {{.RW}} {{.Propagation}}{{"\\n"}}{{end}}' bb`,
    ),
    `inspect -f '{{len .HostConfig.Binds}} {{json .HostConfig.Mounts}} {{json .HostConfig.Tmpfs}}' bb`,
    `ps -a --format '{{.Mounts}}'`,
  ),
  scenario(
    'tmpfs',
    `run --rm --tmpfs /t busybox ${options('/t')}`,
    `run --rm --tmpfs /t:size=1m,mode=700,uid=5 busybox sh -c 'df -k /t | tail -1 | tr -s " " | cut -d" " -f2; stat -c "%a %u" /t'`,
    `run --rm --tmpfs /t:ro,exec busybox ${options('/t')}`,
    `run --rm --mount type=tmpfs,target=/t,tmpfs-size=2m,tmpfs-mode=711 busybox sh -c 'df -k /t | tail -1 | tr -s " " | cut -d" " -f2; stat -c %a /t'`,
    'run --rm --tmpfs /etc busybox ls /etc',
    'create --tmpfs relative busybox true',
    'create --mount type=tmpfs,source=x,target=/t busybox true',
  ),
  scenario(
    'propagation',
    quiet(shell('mkdir data')),
    `run --rm -v ./data:/d busybox sh -c 'grep " /d " /proc/self/mountinfo | grep -c -E "shared|master"'`,
    'create -v ./data:/d:rslave,rprivate busybox true',
    'create --mount type=bind,source=./data,target=/d,bind-propagation=nonsense busybox true',
    'run --rm -v ./data:/d:private busybox true',
  ),
];
