import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/**
 * A Mocha root hook (`--require test/support/leaks.ts`): fails when a run leaves anything behind on the machine.
 * It looks at the whole machine, so two runs at the same time blame each other: PORTHOLE_LEAKS=off switches it off.
 */
export const mochaHooks = {
  async beforeAll(this: { leaksBefore?: Snapshot }): Promise<void> {
    this.leaksBefore = takeSnapshot();
  },
  async afterAll(this: { leaksBefore?: Snapshot }): Promise<void> {
    const before = this.leaksBefore;
    const left = before === undefined ? [] : await leftBehind(before);
    if (left.length > 0) throw new Error(`The tests left behind:\n  ${left.join('\n  ')}`);
  },
};

/** What there is on the machine, per kind; each item's text names it for good (a pid comes with its start time). */
export type Snapshot = ReadonlyMap<string, ReadonlySet<string>>;

export function takeSnapshot(): Snapshot {
  return new Map([
    ['mount', new Set(mounts())],
    ['cgroup', new Set(cgroups())],
    ['process', new Set(processes())],
    ['network device', new Set(entries('/sys/class/net'))],
    ['temporary file', new Set(temporaryFiles())],
  ]);
}

/** What is there now and was not there before, as `kind: item`. */
export function difference(before: Snapshot, now: Snapshot): string[] {
  return [...now].flatMap(([kind, items]) =>
    [...items].filter((item) => !before.get(kind)?.has(item)).map((item) => `${kind}: ${item}`),
  );
}

/** What a run left on the machine; nothing when the check is switched off. */
export async function leftBehind(before: Snapshot): Promise<string[]> {
  return process.env['PORTHOLE_LEAKS'] === 'off' ? [] : settle(before);
}

/** The kernel takes apart what has ended a little later: what is still there after ten seconds is a leak. */
export async function settle(before: Snapshot): Promise<string[]> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const left = difference(before, takeSnapshot());
    if (left.length === 0 || Date.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function mounts(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
    .map((fields) => `${fields[0]} at ${fields[4]}`);
}

/** Directories below /porthole of every cgroup hierarchy; /porthole itself may stay. */
function cgroups(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '')
    .flatMap((hierarchy) => entries(join(hierarchy, 'porthole'), { directories: true }));
}

/** Processes of ours by what they call themselves, children of this test run that it forgot, zombies included. */
function processes(): string[] {
  return entries('/proc').flatMap((path) => {
    const name = path.slice('/proc/'.length);
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`${path}/stat`, 'utf8');
      const commandLine = readFileSync(`${path}/cmdline`, 'utf8').split('\0').join(' ').trim();
      const [, comm = ''] = /\((.*)\)/s.exec(stat) ?? [];
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const isOurs = /porthole-(shim|agent)/.test(`${comm} ${commandLine.split(' ').slice(0, 3).join(' ')}`);
      // tsx and esbuild keep a compiler service; Mocha's own parent is not a child.
      const isForgotten = fields[1] === `${process.pid}` && !/esbuild/.test(commandLine);
      return isOurs || isForgotten ? [`${name} ${commandLine || comm} started ${fields[19]}`] : [];
    } catch {
      return []; // It ended while being read.
    }
  });
}

const ownWay =
  /^(tsx-|node-compile-cache|playwright|\.?org\.chromium|cc\w{6}\.(o|s|res|ld|le|c)$|\.com\.google|\.X|bash_jobs|v8-compile-cache)/;

function temporaryFiles(): string[] {
  return [tmpdir(), '/var/tmp'].flatMap((dir) => entries(dir)).filter((path) => !ownWay.test(basename(path)));
}

function entries(dir: string, { directories = false } = {}): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => !directories || entry.isDirectory())
    .map((entry) => join(dir, entry.name));
}
