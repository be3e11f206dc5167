import { execFile } from 'node:child_process';
import { constants } from 'node:fs/promises';
import { join } from 'node:path';
import { PortholeError } from '../../base/errors.ts';
import type { IdMapping } from '../oci/runtime.ts';
import { isThere } from './files.ts';

/** Where the setuid programs of the package uidmap are. PATH is not asked: they are to be the host's, not somebody's. */
const places = ['/usr/bin', '/bin', '/usr/local/bin', '/usr/sbin', '/sbin', '/run/wrappers/bin'];
const programs = { uid: 'newuidmap', gid: 'newgidmap' } as const;

/** The absolute path of newuidmap(1) or newgidmap(1); undefined when it is not installed. */
export async function findIdMapper(kind: 'uid' | 'gid'): Promise<string | undefined> {
  for (const place of places) {
    const path = join(place, programs[kind]);
    if (await isThere(path, constants.X_OK)) return path;
  }
  return undefined;
}

/** Writes the map of a process's user namespace with the rights of newuidmap(1) or newgidmap(1). @throws forbidden with its words */
export async function writeIdMap(program: string, pid: number, mappings: readonly IdMapping[]): Promise<void> {
  const lines = mappings.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size].map(String));
  await new Promise<void>((resolve, reject) => {
    execFile(program, [String(pid), ...lines], { env: {}, timeout: 20_000 }, (failure, _stdout, stderr) => {
      if (failure === null) resolve();
      else reject(refused(program, stderr.trim() || failure.message));
    });
  });
}

const refused = (program: string, words: string) => new PortholeError('forbidden', `${program}: ${words}`);
