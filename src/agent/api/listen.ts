import { mkdir, rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { dirname } from 'node:path';
import { PortholeError } from '../../base/errors.ts';
import { isAnswered } from '../sys/answered.ts';

const socketInUse = (path: string) => new PortholeError('conflict', `something listens on ${path} already`);

/**
 * Listens on a unix socket that only its owner may use: who can write to it has root's power. A socket that a killed
 * agent left is replaced, one that answers is not; whatever else lies there is not ours to remove.
 */
export async function listenOn(server: Server, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o711 });
  if (await isAnswered(path)) throw socketInUse(path);
  await rm(path, { force: true });
  // bind(2) makes the file with the mode that the umask leaves: there is no moment in which others could connect.
  const umask = process.umask(0o177);
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, backlog: 4096 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  process.umask(umask);
  await listening;
}
