import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  chmod,
  chown,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheDir } from './paths.ts';
import { run } from './processes.ts';

/** Debian on cgroup v2 with systemd, without Node: what QEMU starts, and what lets a test in. */
export interface VmDisk {
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
  /** A private key that every user's authorized_keys has. */
  readonly clientKey: string;
  /** The guest's public host key, `ssh-ed25519 AAAA...`. */
  readonly hostKey: string;
}

const suite = 'bookworm';
const mirror = 'http://deb.debian.org/debian';
const packages = [
  ...['systemd-sysv', 'udev', 'dbus', 'openssh-server', 'linux-image-cloud-amd64', 'iproute2', 'procps'],
  ...['dbus-user-session', 'uidmap'],
];
/** Ordinary users: `ordinary` has every controller delegated, `other` what Debian gives everybody. */
export const vmUsers = { ordinary: 1000, other: 1001 } as const;
const sizeMegabytes = 3072;

/** What the guest's files say. The address is that of QEMU's user network. */
const files: Readonly<Record<string, string>> = {
  'etc/hostname': 'porthole-vm\n',
  'etc/hosts': '127.0.0.1 localhost\n127.0.1.1 porthole-vm\n',
  'etc/fstab': '/dev/vda / ext4 defaults 0 1\n',
  'etc/systemd/network/10-user.network': '[Match]\nType=ether\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n',
  'etc/ssh/sshd_config':
    'PermitRootLogin prohibit-password\nUsePAM yes\nMaxSessions 64\nMaxStartups 64\nUseDNS no\nSubsystem sftp internal-sftp\n',
  'etc/systemd/system/user@1000.service.d/delegate.conf': '[Service]\nDelegate=cpu cpuset io memory pids\n',
  'etc/subuid': 'ordinary:100000:65536\nother:165536:65536\n',
  'etc/subgid': 'ordinary:100000:65536\nother:165536:65536\n',
  'etc/initramfs-tools/conf.d/porthole': 'MODULES=list\nCOMPRESS=gzip\n',
  'etc/initramfs-tools/modules': 'virtio_pci\nvirtio_blk\next4\n',
};

/** Units that only cost time while a guest that lives for two minutes starts. */
const masked = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'systemd-timesyncd.service',
  'systemd-networkd-wait-online.service',
  'systemd-pstore.service',
  'getty@tty1.service',
  'serial-getty@ttyS0.service',
];

/** Builds the disk below `.cache` once per recipe: one to two minutes and about 600 MB on disk. */
export async function vmDisk(say: (line: string) => void): Promise<VmDisk> {
  const recipe = JSON.stringify([2, suite, packages, sizeMegabytes, files, masked, vmUsers]);
  const place = join(cacheDir, `vm-${createHash('sha256').update(recipe).digest('hex').slice(0, 16)}`);
  if (!existsSync(place)) {
    say(`Building the disk of a virtual machine (once, 1 to 2 minutes) ...`);
    await mkdir(cacheDir, { recursive: true });
    const fresh = await mkdtemp(join(cacheDir, 'vm-build-'));
    try {
      await build(fresh);
      await rename(fresh, place);
    } catch (failure) {
      await rm(fresh, { recursive: true, force: true });
      if (!existsSync(place)) throw failure;
    }
  }
  return {
    disk: join(place, 'disk'),
    kernel: join(place, 'vmlinuz'),
    initrd: join(place, 'initrd'),
    clientKey: join(place, 'client'),
    hostKey: (await readFile(join(place, 'host.pub'), 'utf8')).split(' ').slice(0, 2).join(' ').trim(),
  };
}

async function build(dir: string): Promise<void> {
  const root = join(dir, 'root');
  await run('debootstrap', ['--variant=minbase', `--include=${packages.join(',')}`, suite, root, mirror], {
    quiet: true,
  });
  for (const [name, uid] of Object.entries(vmUsers)) {
    await run('chroot', [root, 'useradd', '--create-home', '--shell', '/bin/bash', '--uid', String(uid), name]);
  }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  for (const unit of masked) {
    await rm(join(root, 'etc/systemd/system', unit), { force: true });
    await symlink('/dev/null', join(root, 'etc/systemd/system', unit));
  }
  await letIn(dir, root);
  await run('chroot', [root, 'systemctl', 'enable', 'systemd-networkd', 'ssh'], { quiet: true });
  await run('chroot', [root, 'update-initramfs', '-u'], { quiet: true });
  for (const [from, to] of [
    ['vmlinuz-', 'vmlinuz'],
    ['initrd.img-', 'initrd'],
  ] as const) {
    const name = (await readdir(join(root, 'boot'))).find((entry) => entry.startsWith(from));
    if (name === undefined) throw new Error(`the guest has no /boot/${from}*`);
    await copyFile(join(root, 'boot', name), join(dir, to));
    await rm(join(root, 'boot', name));
  }
  await rm(join(root, 'var/cache/apt/archives'), { recursive: true, force: true });
  await run('mkfs.ext4', ['-q', '-d', root, join(dir, 'disk'), `${sizeMegabytes}M`], { quiet: true });
  await rm(root, { recursive: true, force: true });
}

/** Keys made beforehand: the guest makes none, and its host key is known. */
async function letIn(dir: string, root: string): Promise<void> {
  const make = (file: string) => run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file], { quiet: true });
  await make(join(dir, 'client'));
  await make(join(dir, 'host'));
  const ssh = join(root, 'etc/ssh');
  for (const name of await readdir(ssh)) if (name.startsWith('ssh_host_')) await rm(join(ssh, name));
  await rename(join(dir, 'host'), join(ssh, 'ssh_host_ed25519_key'));
  await copyFile(join(dir, 'host.pub'), join(ssh, 'ssh_host_ed25519_key.pub'));
  const homes = Object.entries(vmUsers).map(([name, uid]) => [join('home', name), uid] as const);
  for (const [home, uid] of [['root', 0] as const, ...homes]) {
    const place = join(root, home, '.ssh');
    const keys = join(place, 'authorized_keys');
    await mkdir(place, { recursive: true, mode: 0o700 });
    await copyFile(join(dir, 'client.pub'), keys);
    await chmod(keys, 0o600);
    for (const path of [place, keys]) await chown(path, uid, uid);
  }
}
