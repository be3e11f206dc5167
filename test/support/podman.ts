import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Running, start, untilAnswers } from '../../scripts/processes.ts';
import { answerAt } from './asked.ts';

const exec = promisify(execFile);

/** Storage of Podman and Buildah on roots of its own, and a Podman that answers for it where one is wanted. */
export interface PodmanStorageRig {
  readonly root: string;
  /** Where the service listens. */
  readonly socket: string;
  /** Options of podman and buildah, for this storage. */
  readonly flags: readonly string[];
  serve(): Promise<void>;
  /** Ends the service, and removes every trace. */
  stop(): Promise<void>;
}

/** @param driver of containers/storage: overlay or vfs. */
export async function makePodmanStorage(driver: 'overlay' | 'vfs' = 'overlay'): Promise<PodmanStorageRig> {
  const dir = await mkdtemp('/var/tmp/php-');
  const socket = join(dir, 'p.sock');
  const root = join(dir, 'root');
  const flags = ['--root', root, '--runroot', join(dir, 'run'), '--storage-driver', driver];
  let service: Running | undefined;
  return {
    root,
    socket,
    flags,
    serve: async () => {
      const running = start('podman', [...flags, 'system', 'service', '--time', '0', `unix://${socket}`]);
      service = running;
      await untilAnswers('podman', running, () =>
        answerAt(socket, '/_ping').then(
          ({ status }) => status === 200,
          () => false,
        ),
      );
    },
    stop: async () => {
      await service?.stop(15_000);
      // containers/storage keeps its directory mounted on itself.
      const points = (await readFile('/proc/self/mountinfo', 'utf8'))
        .split('\n')
        .map((line) => line.split(' ')[4] ?? '')
        .filter((point) => point.startsWith(`${dir}/`));
      for (const point of points.reverse()) await exec('umount', ['-l', point]);
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
