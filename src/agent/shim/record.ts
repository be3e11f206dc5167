import { readFile } from 'node:fs/promises';
import { errnoOf } from '../../base/errors.ts';
import type { ExitRecord } from './contract.ts';
import { parseRecord } from './wire.ts';

/** The exit record at `path`; undefined when there is none. */
export async function readRecord(path: string): Promise<ExitRecord | undefined> {
  try {
    return parseRecord(await readFile(path), path);
  } catch (failure) {
    if (errnoOf(failure) === 'ENOENT') return undefined;
    throw failure;
  }
}
