import type { HostConfig } from '../../protocol/docker.ts';
import type { AgentInfo } from '../../protocol/porthole.ts';
import type { HostFacts } from '../plan/facts.ts';
import { invalid } from './errors.ts';

/** True when the engine has cgroups to limit and count with. */
export function hasCgroups({ cgroup }: Pick<HostFacts, 'cgroup'>): boolean {
  return cgroup.version === 2 || cgroup.hierarchies.length > 0;
}

/** Refuses by name what an engine without root cannot carry out, as far as that is known before the kernel is asked. */
export function refuseWithoutRoot(hostConfig: HostConfig, host: HostFacts): void {
  if (host.rootless === undefined) return;
  const { DeviceCgroupRules: rules = [], Devices: devices = [], PidMode, UsernsMode = '' } = hostConfig;
  if (rules.length > 0) throw notWithoutRoot('DeviceCgroupRules', 'nobody but root may say which devices open');
  const renamed = devices.find(({ PathOnHost, PathInContainer }) => PathInContainer && PathInContainer !== PathOnHost);
  if (renamed) {
    throw notWithoutRoot('Devices', `${renamed.PathOnHost} can only have the same name inside: it is bound, not made`);
  }
  if (PidMode === 'host' && !hasCgroups(host)) {
    throw notWithoutRoot('PidMode host', 'without a cgroup nobody could find what a container leaves running');
  }
  if (!['', 'host'].includes(UsernsMode)) {
    throw notWithoutRoot(`UsernsMode ${UsernsMode}`, 'all containers have the ids of the user who runs the engine');
  }
}

const notWithoutRoot = (what: string, why: string) => invalid(`${what} is not possible without root: ${why}`);

/**
 * For `/porthole/v1/info`: what is not possible and why, in words for users. Empty with root.
 * @param undelegated why the user has no cgroup, where that is known
 */
export function unavailableWithoutRoot(host: HostFacts, undelegated?: string): AgentInfo['unavailable'] {
  const { rootless } = host;
  if (rootless === undefined) return [];
  const hasOneId = rootless.uids.reduce((sum, { size }) => sum + size, 0) === 1;
  return [
    ...(hasOneId
      ? [
          {
            feature: 'other users inside containers',
            reason:
              'only the user’s own id is mapped: newuidmap and newgidmap (Debian: uidmap) or a line in /etc/subuid and ' +
              '/etc/subgid is missing. Images with files of other owners cannot be loaded, supplementary groups cannot be set',
          },
        ]
      : []),
    ...missingControllers(host),
    ...(hasCgroups(host)
      ? []
      : [
          {
            feature: 'limits, pause and usage figures',
            reason: `no cgroup was delegated to the user${undelegated === undefined ? '' : `: ${undelegated}`}`,
          },
          {
            feature: 'the host’s PID namespace',
            reason: 'without a cgroup nobody could find what a container leaves running',
          },
        ]),
    { feature: 'ids of their own for containers', reason: 'only root sees layers and volumes through other ids' },
    {
      feature: 'device nodes',
      reason: 'a user namespace cannot make any: nodes of the host are bound, those of images are left out',
    },
    {
      feature: 'rules for devices',
      reason: 'nobody but root may filter them; what the user could not open stays closed',
    },
    { feature: 'AppArmor profiles and negative OOM scores', reason: 'the kernel lets only root set them' },
  ];
}

/** Controllers of cgroup v2 that systemd leaves to users only where it was told to, and what they are for. */
const controllers = [
  ['cpu', 'CPU shares and quotas'],
  ['cpuset', 'choice of CPUs and memory nodes'],
  ['io', 'limits and figures of disks'],
  ['memory', 'memory limits'],
  ['pids', 'limits of processes'],
] as const;

function missingControllers({ cgroup }: HostFacts): AgentInfo['unavailable'] {
  if (cgroup.version === 1) return [];
  return controllers.flatMap(([name, feature]) => {
    if (cgroup.controllers.includes(name)) return [];
    return {
      feature,
      reason:
        `the ${name} controller was not delegated to the user; an administrator gives it with the lines "[Service]" and ` +
        '"Delegate=cpu cpuset io memory pids" in /etc/systemd/system/user@.service.d/delegate.conf, systemctl daemon-reload, ' +
        'and the user’s next login after all of his processes have ended',
    };
  });
}
