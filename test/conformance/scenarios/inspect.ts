import { differs, quiet, type Scenario, scenario, seenAs } from '../scenario.ts';

/** `docker inspect` of containers. */
export const inspectScenarios: readonly Scenario[] = [
  scenario(
    'inspect: what was asked for',
    'create --name seen -e A=b -l x=y -w /tmp -u user --hostname box --restart on-failure:3 --cap-add NET_ADMIN --read-only --network none busybox sleep 1',
    `inspect -f '{{.Name}} {{.Path}} {{json .Args}} {{json .Config.Env}} {{json .Config.Labels}}' seen`,
    `inspect -f '{{.Config.WorkingDir}} {{.Config.User}} {{.Config.Hostname}} {{.Config.Image}}' seen`,
    `inspect -f '{{json .HostConfig.RestartPolicy}} {{json .HostConfig.CapAdd}}' seen`,
    `inspect -f '{{.HostConfig.NetworkMode}} {{.HostConfig.ReadonlyRootfs}}' seen`,
    differs(
      'Docker hides two more since its advisories of 2023 and 2024: power figures and interrupts tell of the neighbours',
      `inspect -f '{{json .HostConfig.MaskedPaths}}' seen`,
      {
        stdout:
          '["/proc/asound","/proc/acpi","/proc/interrupts","/proc/kcore","/proc/keys","/proc/latency_stats","/proc/timer_list","/proc/timer_stats","/proc/sched_debug","/proc/scsi","/sys/firmware","/sys/devices/virtual/powercap"]\n',
      },
    ),
    `inspect -f '{{json .State}}' seen`,
    `inspect -f '{{.RestartCount}} {{.Driver}} {{.Platform}} {{.MountLabel}} {{.ProcessLabel}}' seen`,
    `inspect -f '{{json .Config}}' seen`,
  ),
  scenario(
    'inspect: a running one and its end',
    quiet('run -d --name rr busybox sleep 100'),
    seenAs((text) => text.replace(/"Pid":\d+/, '"Pid":N'), `inspect -f '{{json .State}}' rr`),
    quiet('kill rr'),
    quiet('wait rr'),
    `inspect -f '{{json .State}}' rr`,
    'inspect -f {{.Nonsense}} rr',
  ),
  scenario(
    'inspect: what is not there',
    'inspect nobody',
    'inspect --type container nobody',
    'inspect --type nonsense nobody',
    'container inspect nobody',
    quiet('create --name xx busybox true'),
    `inspect -f '{{.Name}}' xx nobody xx`,
    differs('20.10 says it twice', `inspect --type image -f '{{.Os}}' xx`, {
      code: 1,
      stdout: '\n',
      stderr: 'Error response from daemon: no such image: xx:latest\n',
    }),
    `inspect --type container -f '{{.Name}}' xx`,
  ),
  scenario(
    'inspect: HostConfig by default',
    quiet('create --name dd --network none busybox true'),
    ...[
      'Binds',
      'LogConfig',
      'PortBindings',
      'RestartPolicy',
      'AutoRemove',
      'VolumeDriver',
      'VolumesFrom',
      'CapAdd',
    ].map((key) => `inspect -f '{{json .HostConfig.${key}}}' dd`),
    `inspect -f '{{json .HostConfig.IpcMode}} {{json .HostConfig.PidMode}} {{json .HostConfig.CgroupnsMode}}' dd`,
    `inspect -f '{{json .HostConfig.ShmSize}} {{json .HostConfig.Ulimits}} {{json .HostConfig.Devices}}' dd`,
    `inspect -f '{{json .HostConfig.Dns}} {{json .HostConfig.ExtraHosts}} {{json .HostConfig.GroupAdd}}' dd`,
    `inspect -f '{{json .HostConfig.ConsoleSize}} {{json .HostConfig.OomKillDisable}} {{json .HostConfig.PidsLimit}}' dd`,
    `inspect -f '{{json .HostConfig.MemorySwappiness}} {{json .HostConfig.Isolation}}' dd`,
    `inspect -f '{{json .Mounts}} {{json .AppArmorProfile}} {{json .ExecIDs}} {{json .GraphDriver.Name}}' dd`,
  ),
];
