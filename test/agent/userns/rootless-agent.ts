import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chown, copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestUser } from '../../support/test-user.ts';

const built = join(dirname(fileURLToPath(import.meta.url)), '../../../dist/agent');

/** The built agent, brought to a user's home and run by that user on the places that it chooses itself. */
export class RootlessAgent {
  readonly socket: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly node: string;
  readonly #user: TestUser;
  #child: ChildProcess | undefined;
  #said = '';

  private constructor(user: TestUser, node: string) {
    this.#user = user;
    this.node = node;
    this.dataRoot = join(user.home, '.local/share/porthole');
    this.execRoot = join(user.home, 'runtime/porthole');
    this.socket = join(this.execRoot, 'porthole.sock');
  }

  static async bring(user: TestUser): Promise<RootlessAgent> {
    const home = (...parts: string[]) => join(user.home, ...parts);
    for (const directory of ['agent', 'runtime']) await mkdir(home(directory), { mode: 0o755 });
    await chown(home('runtime'), user.uid, user.gid);
    for (const file of await readdir(built)) await copyFile(join(built, file), home('agent', file));
    const canRun = spawnSync(process.execPath, ['--version'], { uid: user.uid, gid: user.gid, cwd: '/' }).status === 0;
    if (!canRun) await copyFile(process.execPath, home('agent', 'node'));
    return new RootlessAgent(user, canRun ? process.execPath : home('agent', 'node'));
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    const { uid, gid, home, name } = this.#user;
    const env = { HOME: home, USER: name, PATH: '/usr/bin:/bin', XDG_RUNTIME_DIR: join(home, 'runtime') };
    const agent = join(home, 'agent/porthole-agent.cjs');
    const child = spawn(this.node, [agent, 'serve'], { uid, gid, env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#said = '';
    await new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        this.#said += chunk.toString();
        if (/listening on/.test(this.#said)) resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('exit', (code, signal) => reject(new Error(`the agent ended (${signal ?? code}): ${this.#said}`)));
    });
  }

  /** @returns its exit code. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    return child.exitCode;
  }
}

/** Command lines of the processes, zombies apart, whose real user is one of a user's ids. */
export async function processesOf({ uid, subordinate }: TestUser): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const owner = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? -1);
    const isTheirs = owner === uid || (owner >= subordinate.start && owner < subordinate.start + subordinate.size);
    if (!isTheirs || /^State:\s+[ZX]/m.test(status)) continue;
    found.push((await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim());
  }
  return found;
}

/** Waits until a condition holds. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await holds()); ) {
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
