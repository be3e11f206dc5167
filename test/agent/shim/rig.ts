import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildShim } from '../../../scripts/build-shim.ts';
import type { Operation, Plan } from '../../../src/agent/plan/operations.ts';
import { createShims } from '../../../src/agent/shim/client.ts';
import type { ExitRecord, Shims, StartedShim, StartOptions } from '../../../src/agent/shim/contract.ts';

export const why = 'test';
export const clone = {
  newns: 0x20000n,
  cgroup: 0x2000000n,
  uts: 0x4000000n,
  ipc: 0x8000000n,
  pid: 0x20000000n,
  net: 0x40000000n,
};
export const sixNamespaces = Object.values(clone).reduce((all, flag) => all | flag, 0n);
export const ms = { rdonly: 1n, remount: 32n, bind: 4096n, rec: 16384n, private: 0x40000n };

const dist = fileURLToPath(new URL('../../../dist/agent/', import.meta.url));
/** PORTHOLE_TEST_SHIM names another one, for example of the other CPU where the kernel knows an emulator. */
export const shimPath = process.env['PORTHOLE_TEST_SHIM'] ?? join(dist, `shim-linux-${arch()}`);

let built = false;
/** Tests run the shim of these sources, never one that was lying about. */
export function freshShim(): string {
  if (!built) buildShim({ outDir: dist });
  built = true;
  return shimPath;
}

type Child = readonly Operation[];
export interface SpawnOptions {
  flags?: bigint;
  terminal?: boolean;
  stdin?: boolean;
  after?: readonly Operation[];
  /** Files that the plan names, below the rig's directory. */
  files?: readonly ('log' | 'listen' | 'record')[];
  before?: readonly Operation[];
}

/** A temporary directory, a shim, and what a test made with them. */
export class Rig {
  readonly shims: Shims = createShims({ path: freshShim() });
  readonly directory = mkdtempSync('/tmp/porthole-shim-test-');
  readonly #started: StartedShim[] = [];

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  /** A root directory with a static busybox, and the links that tests call. */
  busyboxRoot(): string {
    const root = this.path('root');
    for (const name of ['bin', 'proc', 'dev', 'sys', 'tmp', 'old']) mkdirSync(join(root, name), { recursive: true });
    copyFileSync('/bin/busybox', join(root, 'bin', 'busybox'));
    chmodSync(join(root, 'bin', 'busybox'), 0o755);
    return root;
  }

  plan(child: Child, options: SpawnOptions = {}): Plan {
    const files = (options.files ?? []).map((op): Operation => ({ op, path: this.path(op), why }));
    return {
      operations: [
        ...(options.before ?? []),
        ...files,
        {
          op: 'spawn',
          flags: options.flags ?? 0n,
          terminal: options.terminal ? 1 : 0,
          stdin: options.stdin ? 1 : 0,
          child,
          after: options.after ?? [],
          why,
        },
      ],
    };
  }

  async start(child: Child, options: SpawnOptions & StartOptions = {}): Promise<StartedShim> {
    const shim = await this.shims.start(this.plan(child, options), options);
    this.#started.push(shim);
    return shim;
  }

  /** Runs to the end and returns what was written. */
  async output(
    child: Child,
    options: SpawnOptions = {},
  ): Promise<{ stdout: string; stderr: string; exit: ExitRecord }> {
    const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    const shim = await this.start(child, {
      ...options,
      onOutput: ({ stream, data }) => void chunks[stream].push(data),
    });
    const exit = await shim.exited;
    return { stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString(), exit };
  }

  async dispose(): Promise<void> {
    for (const shim of this.#started) {
      shim.signal(9);
      await shim.exited.catch(() => undefined);
      shim.disconnect();
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export const mount = (source: string, target: string, type: string, flags = 0n, data = ''): Operation => ({
  op: 'mount',
  source,
  target,
  type,
  flags,
  data,
  why,
});

/** `busybox sh -c SCRIPT` of the host. */
export function shell(script: string, env: readonly string[] = ['PATH=/bin:/usr/bin']): Operation {
  return { op: 'exec', file: '/bin/busybox', argv: ['sh', '-c', script], env, search: '', why };
}

/** Waits until `probe` returns something; the reason it is allowed: other processes act when they act. */
export async function until<T>(probe: () => T | undefined | false, what: string): Promise<T> {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    const found = probe();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`never happened: ${what}`);
}

export function exists(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
