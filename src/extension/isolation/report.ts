import * as v from 'valibot';
import { adjustCapabilities, defaultCapabilities } from '../../agent/oci/capabilities.ts';
import { listed, type Phrase, phrase } from '../../base/phrases.ts';
import type { Verdict } from '../../protocol/panels.ts';
import { capabilityRisks } from './capability-risks.ts';
import { mountRisk } from './mount-risks.ts';

/** One thing that stands, or does not stand, between a container and its host. */
export interface Finding {
  /** Stable, for what reads the exported report. */
  readonly id: string;
  readonly verdict: Verdict;
  readonly what: Phrase;
  /** Why it matters. */
  readonly why: Phrase;
  /** How to close it; absent where there is nothing to close. */
  readonly how?: Phrase;
}

const texts = v.nullish(v.array(v.string()), []);
const text = v.nullish(v.string(), '');
const flag = v.nullish(v.boolean(), false);
const number = v.nullish(v.number(), 0);

/** What of `GET /containers/{id}/json` says how a container is held; engines leave fields out or null. */
const Held = v.object({
  AppArmorProfile: text,
  Config: v.object({ User: text, Env: texts }),
  HostConfig: v.object({
    Privileged: flag,
    CapAdd: texts,
    CapDrop: texts,
    SecurityOpt: texts,
    UsernsMode: text,
    PidMode: text,
    IpcMode: text,
    UTSMode: text,
    CgroupnsMode: text,
    NetworkMode: text,
    ReadonlyRootfs: flag,
    MaskedPaths: v.nullish(v.array(v.string())),
    ReadonlyPaths: v.nullish(v.array(v.string())),
    Memory: number,
    PidsLimit: number,
    Devices: v.nullish(v.array(v.object({ PathOnHost: v.string() })), []),
    DeviceCgroupRules: texts,
    PortBindings: v.nullish(
      v.record(v.string(), v.nullish(v.array(v.object({ HostIp: text, HostPort: text })), [])),
      {},
    ),
  }),
  Mounts: v.nullish(
    v.array(v.object({ Type: text, Source: text, Destination: v.string(), RW: v.nullish(v.boolean(), true) })),
    [],
  ),
});
type Held = v.InferOutput<typeof Held>;

/** What the engine says of itself (`GET /info`). */
const EngineFacts = v.object({ SecurityOptions: texts });
type EngineFacts = v.InferOutput<typeof EngineFacts>;

/**
 * What protects the host from a container and what does not, the open doors first. Pure.
 * @param inspected the engine's answer to an inspection
 * @param info the engine's answer to `GET /info`
 * @throws ValiError for an answer that is none
 */
export function isolationOf(inspected: unknown, info: unknown): readonly Finding[] {
  const held = v.parse(Held, inspected);
  const engine = v.parse(EngineFacts, info);
  const order: Record<Verdict, number> = { open: 0, weak: 1, closed: 2 };
  return [
    ...identity(held, engine),
    ...capabilities(held),
    ...kernelFilters(held, engine),
    ...paths(held),
    ...namespaces(held),
    ...doors(held),
    ...limits(held),
    kernel,
  ].sort((one, other) => order[one.verdict] - order[other.verdict]);
}

/** What no setting changes. */
const kernel: Finding = {
  id: 'shared-kernel',
  verdict: 'weak',
  what: phrase('It runs on the host’s own kernel'),
  why: phrase('A virtual machine has a kernel of its own; here one hole in the kernel is a hole in every wall below.'),
  how: phrase('Keep the kernel up to date; give a virtual machine to what nobody trusts.'),
};

function identity({ Config, HostConfig }: Held, { SecurityOptions }: EngineFacts): Finding[] {
  const remapped =
    HostConfig.UsernsMode !== 'host' && SecurityOptions.some((one) => /name=(userns|rootless)/.test(one));
  if (remapped || /^(auto|private|nomap|keep-id)/.test(HostConfig.UsernsMode)) {
    return [
      {
        id: 'user-namespace',
        verdict: 'closed',
        what: phrase('It has a user namespace of its own'),
        why: phrase('Root in it is an ordinary user on the host, whatever it breaks out of.'),
      },
    ];
  }
  const root = /^(|0|root)(:|$)/.test(Config.User);
  return [
    {
      id: 'user-namespace',
      verdict: root ? 'open' : 'weak',
      what: root
        ? phrase('Root in it is root on the host')
        : phrase('It runs as user {0}, without a user namespace', Config.User),
      why: root
        ? phrase('Whatever leads out of the container leads to a process with every right.')
        : phrase('The user has the same number on the host, and a setuid program makes it root there too.'),
      how: phrase('Run the engine with ids of their own for containers (userns-remap), or name a user in the image.'),
    },
  ];
}

function capabilities({ HostConfig }: Held): Finding[] {
  if (HostConfig.Privileged) {
    return [
      {
        id: 'privileged',
        verdict: 'open',
        what: phrase('It is privileged'),
        why: phrase(
          'It has every capability, every device of the host, and no filter on system calls: it can load kernel modules and mount the host’s disks.',
        ),
        how: phrase('Take --privileged away; add the one capability or device that it needs.'),
      },
    ];
  }
  let held: readonly string[];
  try {
    held = adjustCapabilities({ add: HostConfig.CapAdd, drop: HostConfig.CapDrop });
  } catch {
    // A capability that we have no name for: what is known is told all the same.
    held = [...defaultCapabilities, ...HostConfig.CapAdd];
  }
  const added = held.filter((name) => !defaultCapabilities.includes(name));
  const findings = added.map((name): Finding => {
    const risk = capabilityRisks.get(name);
    return {
      id: `capability-${name}`,
      verdict: risk?.severe === false ? 'weak' : 'open',
      what: phrase('It has {0}', name),
      why: risk?.why ?? phrase('Docker takes this capability away from containers.'),
      how: phrase('Leave out --cap-add {0}.', name.replace(/^CAP_/, '')),
    };
  });
  if (added.length > 0) return findings;
  const some = held.length > 0;
  return [
    {
      id: 'capabilities',
      verdict: some && held.length >= defaultCapabilities.length ? 'weak' : 'closed',
      what: some ? phrase('It has {0} of {1} capabilities', held.length, 41) : phrase('It has no capabilities'),
      why: phrase(
        'Capabilities are root’s rights cut into pieces; those that reach the host’s devices, network and kernel are taken away.',
      ),
      ...(some && { how: phrase('Few programs need any: try --cap-drop ALL, then add what is missed.') }),
    },
  ];
}

function kernelFilters({ HostConfig, AppArmorProfile }: Held, { SecurityOptions }: EngineFacts): Finding[] {
  const options = HostConfig.SecurityOpt.map((one) => one.replace(':', '='));
  const seccomp = options.find((one) => one.startsWith('seccomp='))?.slice('seccomp='.length);
  const unfiltered = HostConfig.Privileged || seccomp === 'unconfined';
  const mandatory = SecurityOptions.some((one) => /name=(apparmor|selinux)/.test(one));
  const confined =
    mandatory &&
    AppArmorProfile !== 'unconfined' &&
    !options.some((one) => /^(apparmor=unconfined|label=disable)$/.test(one));
  const locked = options.some((one) => /^no-new-privileges(=true)?$/.test(one));
  return [
    {
      id: 'seccomp',
      verdict: unfiltered ? 'open' : 'closed',
      what: unfiltered
        ? phrase('Every system call is open to it')
        : seccomp === undefined
          ? phrase('The default filter refuses some fifty system calls')
          : phrase('A filter of its own refuses system calls'),
      why: phrase('Most holes of the kernel lie in calls that ordinary programs never make.'),
      ...(unfiltered && { how: phrase('Leave out --security-opt seccomp=unconfined.') }),
    },
    {
      id: 'mandatory-access-control',
      verdict: confined ? 'closed' : 'weak',
      what: confined ? phrase('AppArmor or SELinux confines it') : phrase('Neither AppArmor nor SELinux confines it'),
      why: phrase('They hold even when a process has become root outside its namespaces.'),
      ...(!confined && { how: phrase('Use a host whose kernel has one of them switched on.') }),
    },
    {
      id: 'no-new-privileges',
      verdict: locked ? 'closed' : 'weak',
      what: locked ? phrase('Programs in it gain no rights') : phrase('A setuid program in it gains rights'),
      why: phrase('With no_new_privs no program is more than the one that started it, however it is marked.'),
      ...(!locked && { how: phrase('Add --security-opt no-new-privileges.') }),
    },
  ];
}

function paths({ HostConfig }: Held): Finding[] {
  const bare = HostConfig.Privileged || HostConfig.MaskedPaths?.length === 0;
  return [
    {
      id: 'masked-paths',
      verdict: bare ? 'open' : 'weak',
      what: bare
        ? phrase('All of /proc and /sys is open to it')
        : phrase('What harms in /proc and /sys is hidden or read-only'),
      why: bare
        ? phrase('Through /proc/sys and /sys the settings of the host’s kernel are changed.')
        : phrase(
            'It still reads the host’s processors, memory, load and mounts there: /proc shows the machine, not the container.',
          ),
      ...(bare && { how: phrase('Leave out --privileged and systempaths=unconfined.') }),
    },
    {
      id: 'read-only-root',
      verdict: HostConfig.ReadonlyRootfs ? 'closed' : 'weak',
      what: HostConfig.ReadonlyRootfs
        ? phrase('Its root file system is read-only')
        : phrase('Its root file system is writable'),
      why: phrase('Whoever breaks into a program there can leave tools behind, and change programs that others run.'),
      ...(!HostConfig.ReadonlyRootfs && { how: phrase('Add --read-only, and --tmpfs where it writes.') }),
    },
  ];
}

function namespaces({ HostConfig }: Held): Finding[] {
  const shared: readonly (readonly [string, string, Phrase])[] = [
    ['pid', HostConfig.PidMode, phrase('It sees every process of the host, and may signal those of its user.')],
    [
      'net',
      HostConfig.NetworkMode,
      phrase('It reaches what listens on the host’s loopback alone, and may listen on any port.'),
    ],
    ['ipc', HostConfig.IpcMode, phrase('It reads the shared memory of the host’s programs.')],
    ['uts', HostConfig.UTSMode, phrase('With CAP_SYS_ADMIN it changes the host’s name.')],
    ['cgroup', HostConfig.CgroupnsMode, phrase('It sees the names of all cgroups, and so what else runs here.')],
  ];
  const open = shared.filter(([, mode]) => mode === 'host');
  const joined = shared.filter(([, mode]) => mode.startsWith('container:'));
  const own = shared.length - open.length - joined.length;
  return [
    ...open.map(
      ([kind, , why]): Finding => ({
        id: `namespace-${kind}`,
        verdict: kind === 'cgroup' || kind === 'uts' ? 'weak' : 'open',
        what: phrase('It shares the host’s {0} namespace', kind),
        why,
        // On cgroup v1 it is what nobody asked for.
        how:
          kind === 'cgroup'
            ? phrase('Add --cgroupns private.')
            : phrase('Leave out --{0} host.', kind === 'net' ? 'network' : kind),
      }),
    ),
    ...joined.map(
      ([kind, mode]): Finding => ({
        id: `namespace-${kind}`,
        verdict: 'weak',
        what: phrase(
          'It shares its {0} namespace with {1}',
          kind,
          mode.slice('container:'.length, 'container:'.length + 12),
        ),
        why: phrase('Whoever breaks into one of them is in the other.'),
      }),
    ),
    ...(own > 0
      ? [
          {
            id: 'namespaces',
            verdict: 'closed',
            what: phrase('{0} of {1} namespaces are its own', own, shared.length),
            why: phrase('What it cannot name it cannot reach.'),
          } as const,
        ]
      : []),
  ];
}

function doors({ HostConfig, Mounts, Config }: Held): Finding[] {
  const devices = [...HostConfig.Devices.map(({ PathOnHost }) => PathOnHost), ...HostConfig.DeviceCgroupRules];
  const everywhere = Object.entries(HostConfig.PortBindings).flatMap(([port, bindings]) =>
    bindings
      .filter(({ HostIp }) => ['', '0.0.0.0', '::'].includes(HostIp))
      .map(({ HostPort }) => `${HostPort}→${port}`),
  );
  const secrets = Config.Env.map((one) => one.split('=')[0] ?? '').filter((name) =>
    /(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY)/i.test(name),
  );
  return [
    ...Mounts.flatMap((mount): Finding[] => {
      const risk = mountRisk({ type: mount.Type, source: mount.Source, writable: mount.RW });
      if (!risk) return [];
      return [
        {
          id: `mount-${mount.Destination}`,
          verdict: risk.verdict,
          what: mount.RW
            ? phrase('It writes to the host’s {0}', mount.Source)
            : phrase('It reads the host’s {0}', mount.Source),
          why: risk.why,
          how: risk.how,
        },
      ];
    }),
    ...(devices.length > 0 && !HostConfig.Privileged
      ? [
          {
            id: 'devices',
            verdict: 'open',
            what: phrase('It has devices of the host: {0}', devices.join(', ')),
            why: phrase(
              'A device is reached past every file system: a disk gives all files, a GPU or KVM its driver’s holes.',
            ),
            how: phrase('Give a single device, with r instead of rwm where reading is enough.'),
          } as const,
        ]
      : []),
    ...(everywhere.length > 0
      ? [
          {
            id: 'ports',
            verdict: 'weak',
            what: phrase('Its ports are open on every address of the host: {0}', everywhere.join(', ')),
            why: phrase('Engines write their rules before those of many firewalls.'),
            how: phrase('Publish to one address, for example -p 127.0.0.1:8080:80.'),
          } as const,
        ]
      : []),
    ...(secrets.length > 0
      ? [
          {
            id: 'secrets',
            verdict: 'weak',
            what: phrase('Its environment seems to hold secrets: {0}', secrets.join(', ')),
            why: phrase('Every process in it inherits them, and whoever may inspect the container reads them.'),
            how: phrase('Mount a file that only the program reads.'),
          } as const,
        ]
      : []),
  ];
}

function limits({ HostConfig }: Held): Finding[] {
  const missing: Phrase[] = [
    ...(HostConfig.Memory > 0 ? [] : [phrase('memory')]),
    ...(HostConfig.PidsLimit > 0 ? [] : [phrase('processes')]),
  ];
  return [
    {
      id: 'limits',
      verdict: missing.length > 0 ? 'weak' : 'closed',
      what:
        missing.length > 0
          ? phrase('It has no limit of {0}', listed(missing, ', '))
          : phrase('Its memory and processes are limited'),
      why: phrase(
        'Without limits one container takes what all others and the host need; a fork bomb stops at the limit of processes.',
      ),
      ...(missing.length > 0 && { how: phrase('Set --memory and --pids-limit; a running container takes them too.') }),
    },
  ];
}
