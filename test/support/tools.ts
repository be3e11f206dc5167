import type { Context } from 'mocha';
import { findProgram, pathPlaces } from '../../scripts/programs.ts';

/** The Debian package of each program that tests use. */
export const debianPackages: Readonly<Record<string, string>> = {
  buildah: 'buildah',
  busybox: 'busybox-static',
  bzip2: 'bzip2',
  chromium: 'chromium',
  debootstrap: 'debootstrap',
  docker: 'docker.io',
  'docker-registry': 'docker-registry',
  dockerd: 'docker.io',
  git: 'git',
  htpasswd: 'apache2-utils',
  ip: 'iproute2',
  newuidmap: 'uidmap',
  'mkfs.ext4': 'e2fsprogs',
  openssl: 'openssl',
  podman: 'podman',
  'qemu-system-x86_64': 'qemu-system-x86',
  runc: 'runc',
  script: 'bsdutils',
  setcap: 'libcap2-bin',
  skopeo: 'skopeo',
  'ssh-agent': 'openssh-client',
  'ssh-keygen': 'openssh-client',
  sshd: 'openssh-server',
  strace: 'strace',
  umoci: 'umoci',
  useradd: 'passwd',
  unshare: 'util-linux',
  xz: 'xz-utils',
  zstd: 'zstd',
};

/** The path of a program, looked for where root's programs are too; undefined when it is not installed. */
export function which(program: string): string | undefined {
  return findProgram(program, [...pathPlaces(), '/usr/sbin', '/sbin', '/usr/bin', '/bin']);
}

/** What of this a test cannot have, in words; undefined: everything is there. */
export function missing({
  root = false,
  programs = [],
}: {
  root?: boolean;
  programs?: readonly string[];
}): string | undefined {
  if (root && process.getuid?.() !== 0) return 'needs root';
  const absent = programs.filter((program) => which(program) === undefined);
  if (absent.length === 0) return undefined;
  return `needs ${absent.map((program) => `${program} (Debian: ${debianPackages[program] ?? '?'})`).join(', ')}`;
}

/** Skips the running test or suite, saying why, unless everything that it needs is there. Call it in `before`. */
export function requires(context: Context, needs: { root?: boolean; programs?: readonly string[] }): void {
  const reason = missing(needs);
  if (reason === undefined) return;
  console.log(`      skipped: ${reason}`);
  context.skip();
}
