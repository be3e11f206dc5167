import { join } from 'node:path';
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

/** Undefined when it is none of ours. */
export async function readVolume(directory: string): Promise<VolumeRecord | undefined> {
  const found = await readJsonFile(join(directory, fileName)).catch(() => undefined);
  return isRecord(found) ? found : undefined;
}

/** Only this engine writes the file, in one piece; what can be wrong is its version. */
function isRecord(value: unknown): value is VolumeRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'version' in value &&
    value.version === 1 &&
    'name' in value &&
    typeof value.name === 'string'
  );
}
