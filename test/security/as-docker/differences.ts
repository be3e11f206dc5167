import type { Disagreement } from './verdicts.ts';

interface KnownCall {
  readonly is: (one: Disagreement) => boolean;
  readonly why: string;
}

const named = (names: string, ours: string) => {
  const set = new Set(names.split(' '));
  return (one: Disagreement): boolean => set.has(one.name) && one.ours === ours;
};

/** Where dockerd 20.10 (its profile, and the libseccomp 2.5.4 behind it) and ours give calls another verdict. */
export const knownCalls: Readonly<Record<string, KnownCall>> = {
  io_uring: {
    is: named('io_uring_setup io_uring_enter io_uring_register', 'EPERM'),
    why: 'it goes around the filter: taken out of the profile in Docker 25.0',
  },
  'calls that Docker allows since': {
    is: named(
      'pkey_alloc pkey_free pkey_mprotect process_vm_readv process_vm_writev name_to_handle_at uretprobe cachestat fchmodat2 ' +
        'futex_wait futex_wake futex_requeue map_shadow_stack mseal getxattrat setxattrat listxattrat removexattrat statmount listmount',
      'allowed',
    ),
    why: 'added to the profile in Docker 20.10.x to 29; libseccomp 2.5.4 knows none above 450',
  },
  'calls that Docker allows with a capability since': {
    is: (one) =>
      named(
        'lsm_get_self_attr lsm_set_self_attr lsm_list_modules set_mempolicy_home_node clock_settime64',
        'allowed',
      )(one),
    why: 'added to the profile for SYS_ADMIN, SYS_NICE and SYS_TIME in Docker 23.0 to 28',
  },
  'calls that are newer to 20.10 than all it names': {
    is: (one) => one.number >= 450 && one.ours === 'EPERM' && one.theirs === 'ENOSYS',
    why: 'runc says ENOSYS for what the profile cannot know; ours knows and refuses them',
  },
  'families of sockets': {
    is: (one) => one.name === 'socket' && one.ours === 'EPERM' && isRefusedFamily(one.argument),
    why: 'AF_VSOCK is refused since Docker 23.0, AF_ALG since 29.4.2 (CVE-2026-31431), obsolete families by the newest profile',
  },
};

const isRefusedFamily = (family: bigint): boolean =>
  [12, 19, 20, 23, 25, 34, 37, 38, 40].includes(Number(family)) || family > 45n;

/** What else is different. */
export const knownKeys: readonly { readonly keys: RegExp; readonly why: string }[] = [
  {
    keys: /^path \/(proc\/acpi|sys\/firmware)$/,
    why: 'a masked directory is an empty read-only tmpfs in both; ours has mode 755, runc’s the default 1777',
  },
  { keys: /^path \/proc\/interrupts$/, why: 'masked by default since Docker 28.0.2 (GHSA-6fw5-f8r9-fgfm)' },
  {
    keys: /^path \/sys\/fs\/cgroup$/,
    why: 'the tmpfs that holds the v1 mounts: runc’s has mode 555 and stays writable, ours has 755 and is read-only',
  },
];
