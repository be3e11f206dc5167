import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Rig } from './rig.ts';

export interface Refusal {
  readonly kind: string;
  readonly message: RegExp | string;
}

/** The load fails as said; the store is what it was, and so is the file beside it. */
export async function assertRefused(rig: Rig, archive: Buffer | string, expected: Refusal): Promise<void> {
  const canary = join(rig.directory, 'canary');
  await writeFile(canary, 'untouched');
  const [list, files] = [rig.store.list(), await rig.files()];
  await assert.rejects(rig.load(archive), expected);
  assert.deepEqual(rig.store.list(), list);
  assert.deepEqual(await rig.files(), files);
  assert.equal(await readFile(canary, 'utf8'), 'untouched');
}
