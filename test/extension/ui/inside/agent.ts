import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Host } from '../../../../src/extension/hosts/contract.ts';
import { until } from './extension.ts';

/** Where an agent of the tests keeps everything. */
export interface Places {
  readonly dir: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly socket: string;
}

export async function makePlaces(): Promise<Places> {
  const dir = await mkdtemp(path.join(tmpdir(), 'porthole-inside-'));
  const execRoot = path.join(dir, 'exec');
  return { dir, dataRoot: path.join(dir, 'data'), execRoot, socket: path.join(execRoot, 'porthole.sock') };
}

/** The built agent on roots of its own. */
export class TestAgent {
  readonly places: Places;
  readonly #child: ChildProcess;

  private constructor(places: Places, child: ChildProcess) {
    this.places = places;
    this.#child = child;
  }

  static async start(extensionPath: string): Promise<TestAgent> {
    const places = await makePlaces();
    const program = path.join(extensionPath, 'dist/agent/porthole-agent.cjs');
    const roots = ['--data-root', places.dataRoot, '--exec-root', places.execRoot];
    const child = spawn(process.execPath, [program, 'serve', ...roots, '--host', `unix://${places.socket}`], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const agent = new TestAgent(places, child);
    await until('the agent listens', () => {
      if (child.exitCode !== null) throw new Error(`The agent ended with ${child.exitCode}`);
      return existsSync(places.socket);
    });
    return agent;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
    await rm(this.places.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The process of the agent that a host is connected to. */
export async function agentPid(host: Host): Promise<number> {
  const info = await host.porthole('/info');
  if (typeof info === 'object' && info !== null && 'pid' in info && typeof info.pid === 'number') return info.pid;
  throw new Error('The agent does not say its pid');
}

/** Ends an agent that the extension started, and removes what it kept. */
export async function endAgent({ dir }: Places, pid: number | undefined): Promise<void> {
  if (pid !== undefined && existsSync(`/proc/${pid}`)) {
    process.kill(pid, 'SIGTERM');
    await until('the agent ends', () => !existsSync(`/proc/${pid}`));
  }
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
}
