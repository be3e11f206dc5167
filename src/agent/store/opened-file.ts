import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { PortholeError } from '../../base/errors.ts';
import type { LayerEntry } from '../../protocol/layers.ts';
import type { OpenedFile } from '../layers/contract.ts';
import { bytesOf } from '../sys/names.ts';

/**
 * A file of an unpacked layer. The entry comes from the layer's own index, whose directories are directories and no links,
 * and the last name is opened without following one: the content is always that of this entry.
 *
 * @param content the layer's directory.
 * @throws invalid when the entry is no regular file.
 */
export function openLayerFile(content: string, entry: LayerEntry): OpenedFile {
  if (entry.type !== 'file')
    throw new PortholeError('invalid', `/${entry.path} is not a regular file but a ${entry.type}`);
  const path = join(content, entry.path);
  return {
    size: entry.size,
    entry,
    stream: (range) => Readable.from(read(path, range), { objectMode: false, highWaterMark: pieceSize }),
  };
}

const pieceSize = 1 << 18;

async function* read(path: string, range?: { readonly start: number; readonly end: number }): AsyncGenerator<Buffer> {
  const file = await open(bytesOf(path), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    yield* file.createReadStream({ ...range, highWaterMark: pieceSize, autoClose: false });
  } finally {
    await file.close();
  }
}
