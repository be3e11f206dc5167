import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buildAgent } from '../../../scripts/bundles.ts';
import { distDir } from '../../../scripts/paths.ts';
import { until } from '../../../scripts/processes.ts';
import { isAnswered } from '../../../src/agent/sys/answered.ts';
import { ask } from '../../support/agent.ts';

/** A version that no release has, as long as those that replace it. */
const placeholder = '900.000.000';

/** Agents of one version after another on the same roots. */
export interface Agents {
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly socket: string;
  /** The log of all of them. */
  readonly log: string;
  /** Starts the present version, as a shell would. */
  start(): Promise<void>;
  /** SIGKILL to whoever serves; resolves when it is gone. */
  kill9(): Promise<void>;
  /** SIGTERM: containers stay. */
  end(): Promise<void>;
  /** Lets `connect` of the next version take over from the agent that runs. */
  upgrade(): Promise<{ readonly version: string; readonly pid: number }>;
}

export async function makeAgents(dir: string, options: { readonly cgroupParent: string }): Promise<Agents> {
  const places = { dataRoot: join(dir, 'data'), execRoot: join(dir, 'exec'), socket: join(dir, 'exec/porthole.sock') };
  const bundle = join(dir, 'agent-0/porthole-agent.cjs');
  const shim = join(dir, `shim-linux-${process.arch}`);
  await mkdir(dirname(bundle), { recursive: true });
  await mkdir(places.execRoot, { recursive: true });
  await buildAgent({ outfile: bundle, version: placeholder });
  await copyFile(join(distDir, `agent/shim-linux-${process.arch}`), shim);
  const source = (await readFile(bundle, 'utf8')).split(placeholder);
  const log = join(dir, 'agent.log');
  const output = await open(log, 'a');
  const roots = [
    ...['--data-root', places.dataRoot, '--exec-root', places.execRoot, '--host', `unix://${places.socket}`],
    ...['--shim', shim, '--cgroup-parent', options.cgroupParent],
  ];
  let number = 0;
  let program = bundle;
  const nextVersion = async (): Promise<string> => {
    const version = `900.000.${String(++number).padStart(3, '0')}`;
    program = join(dir, `agent-${version}.cjs`);
    await writeFile(program, source.join(version));
    await chmod(program, 0o755);
    return version;
  };
  const pid = async (): Promise<number> => {
    const { body } = await ask(places.socket, 'GET', '/porthole/v1/info');
    return Number(JSON.parse(body).pid);
  };
  let serving: Promise<unknown> = Promise.resolve();
  let servingPid = 0;
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    process.kill(servingPid, name);
    await serving;
    await until(`agent ${servingPid} is gone`, () => !isThere(servingPid), { everyMs: 2 });
  };
  return {
    ...places,
    log,
    async start() {
      const child = spawn(process.execPath, [program, 'serve', ...roots], { stdio: ['ignore', output.fd, output.fd] });
      let ended = '';
      serving = once(child, 'exit').then(([code, by]) => {
        ended = String(by ?? code);
      });
      servingPid = child.pid ?? 0;
      await until(
        'the agent listens',
        async () => {
          if (ended !== '') throw new Error(`the agent ended with ${ended}; see ${log}`);
          return isAnswered(places.socket);
        },
        { everyMs: 5 },
      );
    },
    kill9: () => signal('SIGKILL'),
    end: () => signal('SIGTERM'),
    async upgrade() {
      const version = await nextVersion();
      const bridge = spawn(process.execPath, [program, 'connect', '--start', ...roots], {
        stdio: ['pipe', 'ignore', output.fd],
      });
      const over = once(bridge, 'exit');
      // A bridge whose channel ends at once has done its work: it found or started an agent.
      bridge.stdin?.end();
      const [code] = await over;
      if (code !== 0) throw new Error(`connect of ${version} ended with ${code}; see ${log}`);
      servingPid = await pid();
      serving = Promise.resolve();
      return { version, pid: servingPid };
    },
  };
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
