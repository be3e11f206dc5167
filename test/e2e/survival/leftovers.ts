import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** What is on a machine, that is to say in a PID namespace, that has nothing but the agent under test. */
export interface Leftovers {
  readonly processes: readonly string[];
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  readonly directories: readonly string[];
}

export async function leftovers(places: {
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly cgroupParent: string;
}): Promise<Leftovers> {
  const mountinfo = (await readFile('/proc/self/mountinfo', 'utf8')).trim().split('\n');
  const mounts = mountinfo.map((line) => line.split(' ')[4] ?? '').sort();
  const cgroups: string[] = [];
  for (const line of mountinfo.filter((one) => / - cgroup2? /.test(one))) {
    cgroups.push(...(await directoriesIn(join(line.split(' ')[4] ?? '', places.cgroupParent))));
  }
  const directories = [
    ...(await entries(join(places.dataRoot, 'containers'))),
    ...(await entries(join(places.execRoot, 'containers'))),
  ];
  return { processes: await strangers(), mounts, cgroups, directories };
}

/** Every process but this one, its ancestors and its own children. */
async function strangers(): Promise<string[]> {
  const found: string[] = [];
  for (const name of await entries('/proc')) {
    const pid = Number(name.slice('/proc/'.length));
    if (!Number.isInteger(pid) || pid === 1 || pid === process.pid || pid === process.ppid) continue;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (stat === undefined || /^\d+ \(esbuild\)/.test(stat)) continue;
    const line = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').join(' ');
    if (!line.includes('esbuild')) found.push(`${pid} ${stat.slice(stat.indexOf('('), stat.indexOf(')') + 1)} ${line}`);
  }
  return found;
}

/** Descriptors of each shim that supervises a container, by pid: it has its log open, and an executor has none. */
export async function shimDescriptors(): Promise<Map<number, string[]>> {
  const found = new Map<number, string[]>();
  for (const name of await entries('/proc')) {
    const pid = Number(name.slice('/proc/'.length));
    if (!Number.isInteger(pid)) continue;
    const comm = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (comm.trim() !== 'porthole-shim') continue;
    const links = await Promise.all(
      (await entries(`/proc/${pid}/fd`)).map((path) => readlink(path).catch(() => 'closed')),
    );
    if (!links.some((link) => link.endsWith('/log'))) continue;
    found.set(pid, links.map((link) => link.replace(/\d+/g, 'N')).sort());
  }
  return found;
}

async function directoriesIn(dir: string): Promise<string[]> {
  const found = await readdir(dir, { withFileTypes: true }).catch(() => []);
  return found.filter((entry) => entry.isDirectory()).map((entry) => join(dir, entry.name));
}

async function entries(dir: string): Promise<string[]> {
  return (await readdir(dir).catch(() => [])).map((name) => join(dir, name));
}
