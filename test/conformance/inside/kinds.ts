import { readFileSync } from 'node:fs';

/** A kind of container: what is given to `docker create` before the image. */
export interface Kind {
  readonly name: string;
  readonly options: readonly string[];
  /** Why dockerd cannot be asked for it on this machine. */
  readonly withoutDockerd?: string;
  /** Why runc cannot run its bundle. */
  readonly withoutRunc?: string;
  /** Why the views differ where they do, beside what all kinds differ in. */
  readonly runc?: readonly Difference[];
  readonly dockerd?: readonly Difference[];
}

/** A difference that is meant: which keys of the view, and why. */
export interface Difference {
  readonly keys: RegExp;
  readonly why: string;
}

/** Where the machine lacks a capability (CAP_SYS_RESOURCE mostly), dockerd's runc cannot give them all. */
const lacksCapabilities = /^CapBnd:\t0*[137]?f+$/m.test(readFileSync('/proc/self/status', 'utf8'))
  ? {}
  : { withoutDockerd: 'its runtime cannot give every capability here' };

const own = '--network=none';
const onHost: Difference = { keys: /^process 1$/, why: 'pids are given in turn where others are too' };

/** `PARTNER` is a container that runs with a shareable IPC namespace; `DIR` a directory with a file `f` on the host. */
export const kinds: readonly Kind[] = [
  { name: 'by default', options: [own, '-m', '64m'] },
  { name: 'privileged', options: [own, '--privileged'], ...lacksCapabilities },
  { name: 'with a root that is read-only', options: [own, '--read-only'] },
  { name: 'as a user with groups', options: [own, '-u', 'user', '--group-add', 'staff'] },
  {
    name: 'with few capabilities',
    options: [own, '--cap-drop=ALL', '--cap-add=NET_ADMIN', '--security-opt=no-new-privileges'],
  },
  { name: 'with more capabilities, as a user', options: [own, '-u', '5:6', '--cap-add=SYS_ADMIN'] },
  { name: 'with a terminal', options: [own, '-t'] },
  { name: 'with a tmpfs', options: [own, '--tmpfs=/t:size=1m,mode=700', '--mount=type=tmpfs,target=/u,tmpfs-size=2m'] },
  { name: 'with binds', options: [own, '-v=DIR:/rw', '-v=DIR:/ro:ro', '-v=DIR/f:/etc/motd'] },
  { name: 'with devices', options: [own, '--device=/dev/null:/dev/mine:r', '--device-cgroup-rule=c 1:* rwm'] },
  { name: 'with sysctls', options: [own, '--sysctl=net.ipv4.ip_forward=1', '--sysctl=kernel.msgmax=4096'] },
  {
    name: 'with limits',
    options: [own, '--cpus=0.5', '--pids-limit=50', '-m=64m', '--ulimit=nofile=100:200', '--oom-score-adj=7'],
  },
  {
    name: 'with a name, a domain and shared memory',
    options: [own, '-h=box', '--domainname=example.org', '--shm-size=1m'],
    runc: [{ keys: /^uname 2$/, why: 'runc knows domainname since 1.2' }],
  },
  {
    name: 'in the host’s namespaces',
    options: ['--network=host', '--pid=host', '--ipc=host', '--uts=host'],
    runc: [onHost],
    dockerd: [onHost, { keys: /^mountinfo \/dev\/shm$/, why: 'dockerd gives the host’s without its limits' }],
  },
  { name: 'in the host’s network', options: ['--network=host'] },
  {
    name: 'in another container’s namespaces',
    options: ['--network=container:PARTNER', '--pid=container:PARTNER', '--ipc=container:PARTNER'],
    withoutRunc: 'it does not mount what lies below /proc, where the partner’s shared memory is',
    dockerd: [onHost, { keys: /^uname 1$/, why: 'it is named by the partner’s id' }],
  },
  { name: 'with a cgroup namespace', options: [own, '--cgroupns=private'] },
  {
    name: 'without seccomp and with open paths',
    options: [own, '--security-opt=seccomp=unconfined', '--security-opt=systempaths=unconfined'],
  },
  {
    name: 'with a volume',
    options: [own, '-v=named:/v', '-v=/anonymous'],
    dockerd: [
      { keys: /^mountinfo \/(v|anonymous)$/, why: 'dockerd’s volumes follow mounts that the host makes in them' },
    ],
  },
];
