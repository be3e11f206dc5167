import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { docker, type Engine } from '../../conformance/engine.ts';
import type { Kind } from './kinds.ts';

/** What a process saw of its own rights, and its filter as the kernel has it. */
export interface Seen {
  readonly lines: ReadonlyMap<string, string>;
  readonly filter: Buffer | undefined;
}

/** Runs the probe in a container of this kind. @param tools a directory with `probe` and `dump-filter` */
export async function see(engine: Engine, kind: Kind, tools: string): Promise<Seen> {
  const ownNetwork = kind.options.includes('--network') ? [] : ['--network', 'none'];
  const run = ['run', '-i', ...ownNetwork, '-v', `${tools}:/tools:ro`, ...kind.options, 'busybox'];
  const { id, lines, end } = await started(engine, [...run, '/tools/probe', ...(kind.looksAt ?? [])]);
  try {
    const pid = await pidOf(engine, id);
    return {
      lines: entries(lines.replaceAll(id, 'ID')),
      filter: /^status-Seccomp\s+2$/m.test(lines)
        ? execFileSync(`${tools}/dump-filter`, [pid], { maxBuffer: 1 << 20 })
        : undefined,
    };
  } finally {
    await end();
  }
}

async function started(
  engine: Engine,
  [command = '', ...args]: readonly string[],
): Promise<{ id: string; lines: string; end(): Promise<void> }> {
  const created = await docker(engine, ['create', ...args]);
  assert.equal(created.code, 0, `${engine.name}: ${created.stderr}`);
  assert.equal(command, 'run');
  const id = created.stdout.trim();
  const child = spawn('docker', ['-H', engine.host, 'start', '-a', '-i', id], { stdio: 'pipe' });
  const said = text(child.stderr);
  const ended = once(child, 'close');
  let lines = '';
  for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    lines += chunk;
    if (/^done$/m.test(lines)) break;
  }
  assert.match(lines, /^done$/m, `${engine.name}, ${args.join(' ')}: ${lines} ${await Promise.race([said, ''])}`);
  return {
    id,
    lines,
    async end() {
      child.stdout.resume();
      child.stdin.end();
      await ended;
      await docker(engine, ['rm', '-f', id]);
    },
  };
}

/** `kind what: rest`; what is said in several lines is numbered. */
function entries(lines: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of lines.split('\n').filter((each) => each !== '' && each !== 'done')) {
    const words = line.split(/\s+/);
    const count = /^(device|path|writable|descriptor)$/.test(words[0] ?? '') ? (words[0] === 'device' ? 3 : 2) : 1;
    let key = words.slice(0, count).join(' ');
    for (let more = 2; found.has(key); more++) key = `${words.slice(0, count).join(' ')} ${more}`;
    found.set(key, words.slice(count).join(' '));
  }
  return found;
}

/** dockerd notes it a little after the process has begun. */
async function pidOf(engine: Engine, id: string): Promise<string> {
  for (;;) {
    const pid = (await docker(engine, ['inspect', '-f', '{{.State.Pid}}', id])).stdout.trim();
    if (pid !== '0') return pid;
  }
}
