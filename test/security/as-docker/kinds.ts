/** One way to run a container: options of `docker run`, arguments of the probe. */
export interface Kind {
  readonly options: readonly string[];
  /** More that the probe looks at; it costs a second or so. */
  readonly looksAt?: readonly ('devices' | 'writable')[];
  /** Needs every capability of the kernel: runc cannot give what the machine does not have. */
  readonly needsAll?: boolean;
}

const caps = (...options: string[]): Kind => ({ options });

/** Capabilities that Docker's seccomp policy asks for, some that it does not, and every other option that gives or takes rights. */
export const kinds: Readonly<Record<string, Kind>> = {
  'asked for nothing': { options: [], looksAt: ['devices', 'writable'] },
  'without any capability': caps('--cap-drop', 'ALL'),
  'with one capability alone': caps('--cap-drop', 'ALL', '--cap-add', 'NET_BIND_SERVICE'),
  'with some taken': caps('--cap-drop', 'CHOWN', '--cap-drop', 'cap_mknod', '--cap-drop', 'SYS_CHROOT'),
  'added and dropped': caps('--cap-add', 'SYS_ADMIN', '--cap-drop', 'SYS_ADMIN'),
  'all dropped, then SYS_ADMIN': caps('--cap-drop', 'all', '--cap-add', 'sys_admin'),
  SYS_ADMIN: { options: ['--cap-add', 'SYS_ADMIN'], looksAt: ['writable'] },
  SYS_PTRACE: caps('--cap-add', 'SYS_PTRACE'),
  'SYS_MODULE and SYS_RAWIO': { options: ['--cap-add', 'SYS_MODULE', '--cap-add', 'SYS_RAWIO'], looksAt: ['devices'] },
  'SYS_BOOT and SYS_TIME': caps('--cap-add', 'SYS_BOOT', '--cap-add', 'SYS_TIME'),
  'SYS_PACCT and SYS_TTY_CONFIG': caps('--cap-add', 'SYS_PACCT', '--cap-add', 'SYS_TTY_CONFIG'),
  'SYS_NICE and SYSLOG': caps('--cap-add', 'SYS_NICE', '--cap-add', 'SYSLOG'),
  DAC_READ_SEARCH: caps('--cap-add', 'DAC_READ_SEARCH'),
  'NET_ADMIN and IPC_LOCK': caps('--cap-add', 'NET_ADMIN', '--cap-add', 'IPC_LOCK'),
  'an ordinary user': { options: ['-u', '1000:1000'], looksAt: ['devices'] },
  'a user with a capability and groups': caps('-u', '1000', '--cap-add', 'NET_RAW', '--group-add', '50'),
  'no new privileges': caps('--security-opt', 'no-new-privileges'),
  'no new privileges, a user': caps('--security-opt', 'no-new-privileges', '-u', '1000', '--cap-add', 'SYS_TIME'),
  'no seccomp': { options: ['--security-opt', 'seccomp=unconfined'], looksAt: ['writable'] },
  'no masks': { options: ['--security-opt', 'systempaths=unconfined'] },
  'a root that is read-only': caps('--read-only'),
  'a score for the OOM killer': caps('--oom-score-adj', '500'),
  limits: caps('--ulimit', 'nofile=100:200', '--ulimit', 'core=0'),
  'namespaces of the host': { options: ['--pid', 'host', '--ipc', 'host', '--uts', 'host', '--network', 'host'] },
  'a device': {
    options: ['--device', '/dev/fuse:/dev/mine:r', '--device-cgroup-rule', 'c 89:* rw'],
    looksAt: ['devices'],
  },
  privileged: { options: ['--privileged'], looksAt: ['devices'], needsAll: true },
  'every capability': { options: ['--cap-add', 'ALL'], needsAll: true },
};
