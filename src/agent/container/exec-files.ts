import { writeFileSync } from 'node:fs';
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { namesIfThere } from '../sys/files.ts';
import type { Container } from './container.ts';
import type { ExecOptions } from './contract.ts';

/**
 * What the next agent has to know of an exec that was started, in EXEC_ROOT/containers/ID: `exec-EXEC.json`, written
 * before anybody is told that it runs, and its shim's socket and exit record beside it. They last as long as the container runs.
 */
export interface StoredExec {
  readonly id: string;
  readonly options: ExecOptions;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Of a health check: nobody but the agent that began it can make something of it. */
  readonly isProbe: boolean;
}

export interface ExecFiles {
  readonly about: string;
  readonly socket: string;
  readonly record: string;
}

export function execFiles(container: Container, id: string): ExecFiles {
  const path = (suffix: string) => join(container.runtime, `exec-${id}.${suffix}`);
  return { about: path('json'), socket: path('sock'), record: path('exit') };
}

/** At once, for every start waits for it: a small file in memory takes longer to hand to another thread than to write. */
export function keepExec(container: Container, exec: StoredExec): void {
  writeFileSync(execFiles(container, exec.id).about, JSON.stringify(exec), { mode: 0o600 });
}

/** Only room, its shim has removed the socket: what cannot be removed goes with the container's other files. */
export async function forgetExecFiles(container: Container, id: string): Promise<void> {
  const { about, record } = execFiles(container, id);
  await Promise.all([about, record].map((path) => unlink(path).catch(() => undefined)));
}

/** Those that were started since the container was, oldest first. One that was cut off while it was written never ran. */
export async function storedExecs(container: Container): Promise<StoredExec[]> {
  const names = (await namesIfThere(container.runtime)) ?? [];
  const found = await Promise.all(
    names.map(async (name) => {
      const [, id] = /^exec-([0-9a-f]{64})\.json$/.exec(name) ?? [];
      const exec = id === undefined ? undefined : await read(execFiles(container, id).about);
      return exec && exec.id === id ? [exec] : [];
    }),
  );
  return found.flat().sort((a, b) => a.startedAt - b.startedAt);
}

async function read(path: string): Promise<StoredExec | undefined> {
  try {
    const found: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isStored(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

const isStored = (value: unknown): value is StoredExec => v.is(Shape, value);

const Shape = v.looseObject({
  ...{ id: v.string(), startedAt: v.number(), isProbe: v.boolean() },
  options: v.looseObject({
    ...{ argv: v.array(v.string()), env: v.array(v.string()), tty: v.boolean(), privileged: v.boolean() },
    ...{ user: v.optional(v.string()), workingDir: v.optional(v.string()), detachKeys: v.optional(v.string()) },
    ...{ attachStdin: v.boolean(), attachStdout: v.boolean(), attachStderr: v.boolean() },
  }),
});
