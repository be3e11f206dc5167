import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { nodeOptions } from '../src/agent/settings.ts';
import { distDir } from './paths.ts';
import { start, until, untilAnswers } from './processes.ts';

export interface AgentPlaces {
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly socket: string;
}

/** An agent on this machine. */
export interface LocalAgent {
  readonly places: AgentPlaces;
  readonly docker: Docker;
  /** False: it ran before and stays. */
  readonly isOurs: boolean;
  /** Ends an agent that was started here; `containers: 'stop'` ends what it runs first. */
  stop(options: { containers: 'stop' | 'remove' | 'keep' }): Promise<void>;
}

/** Uses the agent that answers on the socket, else starts the built one and waits until it answers. */
export async function startLocalAgent(places: AgentPlaces): Promise<LocalAgent> {
  const docker = new Docker({ socketPath: places.socket });
  if (await answers(docker)) return { places, docker, isOurs: false, stop: async () => undefined };
  await mkdir(places.dataRoot, { recursive: true, mode: 0o700 });
  await mkdir(places.execRoot, { recursive: true, mode: 0o700 });
  await mkdir(dirname(places.socket), { recursive: true, mode: 0o700 });
  const running = start(process.execPath, [
    ...nodeOptions,
    join(distDir, 'agent/porthole-agent.cjs'),
    'serve',
    ...['--data-root', places.dataRoot, '--exec-root', places.execRoot, '--host', `unix://${places.socket}`],
  ]);
  try {
    await untilAnswers('The agent', running, () => answers(docker));
  } catch (failure) {
    await running.stop();
    throw failure;
  }
  return {
    places,
    docker,
    isOurs: true,
    stop: async ({ containers }) => {
      try {
        // Whoever ended the agent meanwhile may have wanted its containers to go on.
        if (containers !== 'keep' && running.end() === undefined) await endContainers(docker, containers);
      } finally {
        await running.stop();
      }
    },
  };
}

/** Ends an agent that somebody else started, by the pid that it tells; its containers go first. Nobody there: nothing to do. */
export async function endAgentAt(socket: string): Promise<void> {
  const docker = new Docker({ socketPath: socket });
  if (!(await answers(docker))) return;
  await endContainers(docker, 'remove');
  const pid = await pidAt(socket);
  process.kill(pid, 'SIGTERM');
  await until('the agent ends', () => !existsSync(`/proc/${pid}`));
}

/** The pid of the agent that answers on a socket, as it tells it itself. */
export async function pidAt(socket: string): Promise<number> {
  const info = await new Promise<string>((resolve, reject) => {
    const asked = request({ socketPath: socket, path: '/porthole/v1/info' }, (answer) => {
      text(answer).then(resolve, reject);
    });
    asked.once('error', reject).end();
  });
  const { pid }: { pid?: unknown } = JSON.parse(info);
  if (typeof pid !== 'number') throw new Error(`The agent on ${socket} does not tell its pid: ${info}`);
  return pid;
}

/** Loads an image archive unless the image is there. */
export async function ensureImage(
  docker: Docker,
  name: string,
  makeArchive: () => Promise<NodeJS.ReadableStream | Buffer>,
): Promise<'loaded' | 'there'> {
  const known = await docker
    .getImage(name)
    .inspect()
    .catch(() => undefined);
  if (known !== undefined) return 'there';
  const answer = await docker.loadImage(await archiveOf(makeArchive), {});
  const lines: string[] = [];
  for await (const chunk of answer) lines.push(chunk.toString());
  // A failed load is told inside a stream whose status is 200.
  if (/"error"/.test(lines.join(''))) throw new Error(`Loading ${name}: ${lines.join('').trim()}`);
  await docker.getImage(name).inspect();
  return 'loaded';
}

async function archiveOf(makeArchive: () => Promise<NodeJS.ReadableStream | Buffer>) {
  const archive = await makeArchive();
  const { Readable } = await import('node:stream');
  return Buffer.isBuffer(archive) ? Readable.from([archive]) : archive;
}

async function endContainers(docker: Docker, how: 'stop' | 'remove'): Promise<void> {
  const containers = await docker.listContainers({ all: how === 'remove' });
  await Promise.all(
    containers.map(async ({ Id }) => {
      const container = docker.getContainer(Id);
      if (how === 'remove') await container.remove({ force: true });
      else await container.stop({ t: 2 });
    }),
  );
}

async function answers(docker: Docker): Promise<boolean> {
  return docker.ping().then(
    () => true,
    () => false,
  );
}
