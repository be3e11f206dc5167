import type { Difference } from './kinds.ts';

/** From runc on the same bundle, on a host with cgroup v1 hybrid. */
export const againstRunc: readonly Difference[] = [
  {
    keys: /^cgroup (cpuset|name=systemd|unified)$/,
    why: 'ours makes a cgroup only in hierarchies whose limits or figures it uses; runc makes one in each, empty ones too',
  },
  {
    keys: /^mountinfo \/sys\/fs\/cgroup\/(cpuset|systemd)$/,
    why: 'no cgroup there, so nothing of it is shown inside',
  },
  {
    keys: /^mountinfo \/sys\/fs\/cgroup$/,
    why: 'the spec asks for ro; runc leaves the tmpfs that holds the v1 mounts writable, for no use',
  },
  {
    keys: /^mountinfo \/(proc\/acpi|sys\/firmware)$/,
    why: 'a masked directory is an empty read-only tmpfs in both; ours has mode 755, runc’s the default 1777',
  },
  {
    keys: /^devices core -> /,
    why: 'runc makes /dev/core only where the kernel has /proc/kcore, ours always: the kernel here has none',
  },
];

/** From dockerd 20.10, which runs runc: the same, and what its own defaults add. */
export const againstDockerd: readonly Difference[] = [
  ...againstRunc,
  {
    keys: /^mountinfo \/$/,
    why: 'dockerd mounts the root in the host’s mount namespace and binds it as a slave; ours is mounted inside only',
  },
  {
    keys: /^mountinfo \/proc\/interrupts$/,
    why: 'masked by default since Docker 25, because it tells keystrokes’ times; 20.10 did not know',
  },
];
