import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, start, untilAnswers } from '../../scripts/processes.ts';
import { which } from './tools.ts';

const exec = promisify(execFile);

/** A dockerd of our own; nothing of it is shared with another one on the machine. */
export interface Dockerd {
  /** For `docker -H`. */
  readonly host: string;
  readonly socket: string;
  readonly pid: number;
  readonly dataRoot: string;
  readonly execRoot: string;
  /** Ends it and removes every trace: containers, mounts, cgroups, its bridge, its directories. */
  stop(): Promise<void>;
}

/** Starts a real dockerd on its own roots, socket, pidfile and cgroup parent. `bridge`: give containers a network. */
export async function startDockerd({
  bridge = false,
  flags = [],
  env = {},
}: {
  bridge?: boolean;
  flags?: readonly string[];
  env?: Readonly<Record<string, string>>;
} = {}): Promise<Dockerd> {
  const dockerd = which('dockerd');
  if (dockerd === undefined) throw new Error('dockerd is missing (Debian: apt-get install docker.io)');
  // Short: its containerd's socket path must fit into 107 bytes. Below /var/tmp: overlay cannot stack on tmpfs-backed /tmp everywhere.
  const dir = await mkdtemp('/var/tmp/phd-');
  // A remapped root has to walk to its files.
  await chmod(dir, 0o711);
  const socket = join(dir, 'd.sock');
  // Two of one process share none either.
  const cgroupParent = `/porthole-dockerd-${process.pid}-${basename(dir)}`;
  const network = bridge ? await makeBridge() : undefined;
  const running = start(
    dockerd,
    [
      ...['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'exec')],
      ...['-H', `unix://${socket}`, '--pidfile', join(dir, 'pid'), '--cgroup-parent', cgroupParent],
      ...['--storage-driver', 'overlay2', '--iptables=false', '--ip6tables=false', '--ip-masq=false'],
      ...flags,
      ...['--bridge', network ?? 'none', '--log-level', 'error', '--shutdown-timeout', '2'],
    ],
    // A containerd that is slow to end writes down its stacks before it is killed: not where leaks are looked for.
    { env: { ...process.env, ...env, DOCKER_RAMDISK: '1', TMPDIR: dir } },
  );
  const stop = async () => {
    await running.stop(15_000);
    await unmountBelow(dir);
    await removeCgroups(cgroupParent);
    if (network !== undefined) await exec('ip', ['link', 'delete', network]);
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await untilAnswers('dockerd', running, () =>
      exec('docker', ['-H', `unix://${socket}`, 'version']).then(
        () => true,
        () => false,
      ),
    );
  } catch (failure) {
    await stop();
    throw failure;
  }
  return {
    host: `unix://${socket}`,
    socket,
    pid: running.pid,
    dataRoot: join(dir, 'data'),
    execRoot: join(dir, 'exec'),
    stop,
  };
}

/** A bridge of our own, so that a docker0 of somebody else is left alone. */
async function makeBridge(): Promise<string> {
  // A free port is as good a random number as any, and nobody else holds it in this moment.
  const number = await freePort();
  const name = `phd${number}`;
  await exec('ip', ['link', 'add', name, 'type', 'bridge']);
  await exec('ip', ['address', 'add', `10.${200 + (number % 50)}.${number % 250}.1/24`, 'dev', name]);
  await exec('ip', ['link', 'set', name, 'up']);
  return name;
}

async function unmountBelow(dir: string): Promise<void> {
  const points = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${dir}/`));
  for (const point of points.reverse()) await exec('umount', ['-l', point]);
}

async function removeCgroups(parent: string): Promise<void> {
  const hierarchies = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');
  for (const hierarchy of hierarchies) await removeTree(join(hierarchy, parent));
}

/** A cgroup goes by rmdir, its children first; its files are the kernel's. */
async function removeTree(dir: string): Promise<void> {
  const children = await readdir(dir, { withFileTypes: true }).catch(() => []);
  for (const child of children) if (child.isDirectory()) await removeTree(join(dir, child.name));
  await rmdir(dir).catch(() => undefined);
}
