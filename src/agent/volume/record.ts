import { join } from 'node:path';
import * as v from 'valibot';
import { PortholeError } from '../../base/errors.ts';
import { readJsonFile, writeDurable } from '../sys/durable.ts';

/** volume.json: what the engine knows of a volume beside its files. */
export interface VolumeRecord {
  readonly version: 1;
  readonly name: string;
  readonly createdAt: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
  readonly anonymous: boolean;
}

const fileName = 'volume.json';

export async function saveVolume(directory: string, record: VolumeRecord): Promise<void> {
  await writeDurable(join(directory, fileName), `${JSON.stringify(record, undefined, 1)}\n`, { mode: 0o600 });
}

/** @throws internal when it is missing or none of ours, with its path */
export async function readVolume(directory: string): Promise<VolumeRecord> {
  const path = join(directory, fileName);
  const found = await readJsonFile(path);
  if (isRecord(found)) return found;
  throw new PortholeError('internal', found === undefined ? `${path} is missing` : `${path} is no record of a volume`);
}

/** Only this engine writes the file, in one piece; a disk or a person may have changed it. */
const isRecord = (value: unknown): value is VolumeRecord => v.is(Shape, value);

const texts = v.record(v.string(), v.string());
const Shape = v.looseObject({
  ...{ version: v.literal(1), name: v.string(), createdAt: v.string(), anonymous: v.boolean() },
  ...{ labels: v.optional(texts), options: v.optional(texts) },
});
