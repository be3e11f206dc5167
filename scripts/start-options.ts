import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findCompiler } from './build-shim.ts';
import type { AgentPlaces } from './local-agent.ts';
import { cacheDir, root } from './paths.ts';

export interface StartOptions {
  /** Drive the UI with a headless Chromium instead of opening it. */
  readonly smoke: boolean;
  /** Serve VS Code to a browser even where the desktop one is installed. */
  readonly serve: boolean;
  readonly port: number;
  /** Leave running containers alone at the end. */
  readonly keep: boolean;
  readonly help: boolean;
  readonly places: AgentPlaces;
}

export const usage = `npm start [-- options]
  --serve            serve VS Code on localhost even where a desktop VS Code is installed
  --port N           its port (default 8742)
  --keep             leave containers running at the end; the next start adopts them
  --data-root DIR    images and containers (default .cache/run/data)
  --exec-root DIR    sockets of what runs (default below /run, one per checkout)
  --smoke            build, start and drive everything through a headless Chromium, then clean up`;

export function readOptions(args: readonly string[]): StartOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      smoke: { type: 'boolean', default: false },
      serve: { type: 'boolean', default: false },
      port: { type: 'string', default: '8742' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      'data-root': { type: 'string', default: join(cacheDir, 'run/data') },
      'exec-root': { type: 'string', default: defaultExecRoot() },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`--port ${values.port} is no TCP port`);
  const { smoke, serve, keep, help } = values;
  const execRoot = values['exec-root'];
  const places = { dataRoot: values['data-root'], execRoot, socket: join(execRoot, 'porthole.sock') };
  return { smoke, serve, port, keep, help, places };
}

/** Short, because a unix socket's path has at most 107 bytes; on /run, because it must not outlive a reboot. */
function defaultExecRoot(): string {
  return join('/run', `porthole-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`);
}

/** Says what this machine lacks for running containers here, one sentence each. */
export function findObstacles(): string[] {
  const obstacles: string[] = [];
  if (process.platform !== 'linux') {
    obstacles.push(`npm start runs containers on this machine, which takes Linux; this is ${process.platform}.`);
    return obstacles;
  }
  if (!['x64', 'arm64'].includes(process.arch))
    obstacles.push(`The CPU must be x64 or arm64; this is ${process.arch}.`);
  if (process.getuid?.() !== 0) obstacles.push('The agent needs root for namespaces and cgroups: run it with sudo.');
  if (findCompiler() === undefined) {
    obstacles.push('No C compiler (cc, gcc or clang) is on the PATH (Debian: apt-get install gcc).');
  }
  return obstacles;
}
