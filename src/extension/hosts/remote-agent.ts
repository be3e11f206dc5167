import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';
import { createGzip } from 'node:zlib';
import { isKind, phraseOf } from '../../base/errors.ts';
import { type Phrase, phrase } from '../../base/phrases.ts';
import type { RemoteShell } from '../ssh/shell.ts';
import type { AgentFile, AgentFiles, Cpu } from './agent-files.ts';
import type { NodeRuntimeSource } from './node-runtime.ts';
import { noSuitableNode, notLinux, unknownCpu, uploadFailed } from './problems.ts';
import { runCommand } from './remote-command.ts';

export interface BringOptions {
  readonly files: AgentFiles;
  readonly node: NodeRuntimeSource;
  readonly signal: AbortSignal;
  readonly progress: (step: Phrase) => void;
}

/** The agent on a host, ready to be started. Paths are absolute there. */
export interface RemoteAgent {
  readonly node: string;
  readonly agent: string;
  readonly uid: number;
  /** How many files had to be copied this time. */
  readonly copied: number;
}

/** What is known of a host after one look. */
interface Facts {
  readonly cpu: Cpu;
  readonly uid: number;
  readonly home: string;
  readonly gzip: boolean;
  readonly sha256sum: boolean;
  /** A Node on the PATH that is new enough. */
  readonly node?: string;
  /** The Node that was brought before. */
  readonly broughtNode: boolean;
  /** Sizes of the agent's files that are there. */
  readonly sizes: ReadonlyMap<string, number>;
}

const OLDEST_NODE = 20;

/**
 * Makes sure that agent, shim and a Node runtime are on the host:
 *
 *     ~/.porthole/agents/DIGEST/{porthole-agent.cjs, shim-linux-CPU}
 *     ~/.porthole/node/VERSION/node                          (only where the host has no Node 20 or newer)
 *
 * One command looks, one for each missing file copies. A file has its final name only after its digest was checked, so
 * what is there is whole, and two computers that copy at once do not meet.
 */
export async function bringAgent(shell: RemoteShell, options: BringOptions): Promise<RemoteAgent> {
  const { files, node, signal, progress } = options;
  progress(phrase('Looking at {0}', shell.where));
  const facts = await look(shell, options);
  const agentDir = `${facts.home}/.porthole/agents/${files.digest}`;
  const nodeDir = `${facts.home}/.porthole/node/${node.version}`;
  let copied = 0;
  const copy = async (dir: string, file: AgentFile, what: string | Phrase) => {
    await upload(shell, { dir, file, what, facts, signal, progress });
    copied++;
  };

  if (facts.node === undefined && !facts.broughtNode) {
    const binary = await node.fetch(facts.cpu, { signal, progress }).catch((failure) => {
      throw isKind(failure, 'canceled') ? failure : noSuitableNode(shell.where, phraseOf(failure));
    });
    await copy(nodeDir, binary, `Node ${node.version}`);
  }
  const shim = files.shim(facts.cpu);
  if (!shim) throw unknownCpu(shell.where, facts.cpu);
  for (const file of [shim, files.agent]) {
    if (facts.sizes.get(file.name) !== file.size) await copy(agentDir, file, phrase('the agent'));
  }
  return { node: facts.node ?? `${nodeDir}/node`, agent: `${agentDir}/${files.agent.name}`, uid: facts.uid, copied };
}

const LOOK = [
  'echo "system=$(uname -s)"',
  'echo "cpu=$(uname -m)"',
  'echo "uid=$(id -u)"',
  'echo "home=$HOME"',
  'if command -v gzip >/dev/null; then echo gzip=yes; fi',
  'if command -v sha256sum >/dev/null; then echo sha256sum=yes; fi',
  'if n=$(command -v node); then echo "node=$n"; echo "nodeVersion=$("$n" -p process.versions.node 2>/dev/null)"; fi',
  'if [ -x "$HOME/.porthole/node/$2/node" ]; then echo broughtNode=yes; fi',
  // Where a home can be written by others (/tmp), what somebody else put there is not ours: it counts as absent.
  'cd "$HOME/.porthole/agents/$1" 2>/dev/null && [ -O . ] && [ -O "$HOME/.porthole" ] || exit 0',
  'for f in *; do if [ -f "$f" ]; then echo "size:$f=$(wc -c < "$f")"; fi; done',
].join('; ');

async function look(shell: RemoteShell, { files, node, signal }: BringOptions): Promise<Facts> {
  const said = (await runCommand(shell, { script: LOOK, args: [files.digest, node.version], signal })).toString('utf8');
  const values = new Map<string, string>();
  const sizes = new Map<string, number>();
  for (const line of said.split('\n')) {
    const equals = line.indexOf('=');
    if (equals < 0) continue;
    const key = line.slice(0, equals);
    const value = line.slice(equals + 1).trim();
    if (key.startsWith('size:')) sizes.set(key.slice('size:'.length), Number(value));
    else values.set(key, value);
  }
  const system = values.get('system') ?? 'an unknown system';
  if (system !== 'Linux') throw notLinux(shell.where, system);
  const onPath = values.get('node');
  const version = Number.parseInt(values.get('nodeVersion') ?? '', 10);
  return {
    cpu: cpuOf(shell.where, values.get('cpu') ?? 'unknown'),
    uid: Number(values.get('uid')),
    home: values.get('home') || '/root',
    gzip: values.has('gzip'),
    sha256sum: values.has('sha256sum'),
    ...(onPath?.startsWith('/') && version >= OLDEST_NODE && { node: onPath }),
    broughtNode: values.has('broughtNode'),
    sizes,
  };
}

function cpuOf(where: string, machine: string): Cpu {
  if (machine === 'x86_64') return 'x64';
  if (machine === 'aarch64' || machine === 'arm64') return 'arm64';
  throw unknownCpu(where, machine);
}

/** Writes standard input to a temporary file, and says its digest when it has the size that was announced. */
const RECEIVE = [
  'umask 077; mkdir -p "$1" && chmod 700 "$1" && cd "$1" || exit 1',
  'if ! [ -O "$HOME/.porthole" ]; then echo "$HOME/.porthole belongs to another user" >&2; exit 1; fi',
  'if [ "$4" = gzip ]; then gzip -dc; else cat; fi > "$2"',
  'n=$(wc -c < "$2")',
  // A copy that was cut short, or a full disk: leave nothing.
  'if [ "$n" -ne "$3" ]; then rm -f "$2"; echo "$n of $3 bytes arrived" >&2; exit 3; fi',
  'if [ "$5" = yes ]; then sha256sum < "$2"; fi',
].join('; ');

/** Flushes the file before it gets its name, so that a name never stands for a file that a crash emptied. */
const KEEP = 'cd "$1" && chmod 700 "$2" && { sync "$2" 2>/dev/null || sync; } && mv -f "$2" "$3"';

interface Upload {
  readonly dir: string;
  readonly file: AgentFile;
  /** For the progress line. */
  readonly what: string | Phrase;
  readonly facts: Facts;
  readonly signal: AbortSignal;
  readonly progress: (step: Phrase) => void;
}

async function upload(shell: RemoteShell, { dir, file, what, facts, signal, progress }: Upload): Promise<void> {
  const temporary = `.part-${randomBytes(9).toString('hex')}`;
  try {
    const said = await runCommand(shell, {
      script: RECEIVE,
      args: [dir, temporary, String(file.size), facts.gzip ? 'gzip' : 'cat', facts.sha256sum ? 'yes' : 'no'],
      signal,
      input: [
        createReadStream(file.path, { highWaterMark: 256 << 10 }),
        share(file.size, (percent) => progress(phrase('Copying {0} to {1} ({2} %)', what, shell.where, percent))),
        // Level 4: about as fast as a local network, and a third of the bytes for a slow one.
        ...(facts.gzip ? [createGzip({ level: 4 })] : []),
      ],
    });
    const digest = facts.sha256sum
      ? said.toString('utf8').trim().split(/\s/)[0]
      : await readBack(shell, `${dir}/${temporary}`, file.size, signal);
    if (digest !== file.sha256) {
      await runCommand(shell, { script: 'rm -f "$1"', args: [`${dir}/${temporary}`], signal });
      throw uploadFailed(
        shell.where,
        file.name,
        phrase('its digest is {0} there instead of {1}.', digest ?? '', file.sha256),
      );
    }
    await runCommand(shell, { script: KEEP, args: [dir, temporary, file.name], signal });
  } catch (failure) {
    if (isKind(failure, 'canceled')) throw failure;
    throw uploadFailed(shell.where, file.name, phraseOf(failure));
  }
}

/** For a host without sha256sum: the copy comes back and is hashed here. */
async function readBack(shell: RemoteShell, file: string, size: number, signal: AbortSignal): Promise<string> {
  const content = await runCommand(shell, { script: 'cat "$1"', args: [file], signal, limit: size });
  return createHash('sha256').update(content).digest('hex');
}

function share(size: number, tell: (percent: number) => void): Transform {
  let bytes = 0;
  let told = -1;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      const percent = Math.floor((bytes * 100) / Math.max(size, 1));
      if (percent > told) {
        told = percent;
        tell(percent);
      }
      done(null, chunk);
    },
  });
}
