import { createHash } from 'node:crypto';
import type { LayerEntry } from '../../protocol/layers.ts';
import type { LayeredImage } from './contract.ts';

/** A regular file as a layer stores it. */
export interface Stored {
  readonly image: LayeredImage;
  readonly position: number;
  readonly entry: LayerEntry;
}

/** For files of the same size. Their content is read where no digest is known. */
export async function isSameContent(files: readonly [Stored, Stored], signal: AbortSignal): Promise<boolean> {
  const [left, right] = [await digestOf(files[0], signal), await digestOf(files[1], signal)];
  return left === right;
}

async function digestOf({ image, position, entry }: Stored, signal: AbortSignal): Promise<string> {
  if (entry.digest !== undefined) return entry.digest;
  const hash = createHash('sha256');
  for await (const piece of image.open(position, entry).stream()) {
    signal.throwIfAborted();
    hash.update(piece);
  }
  return `sha256:${hash.digest('hex')}`;
}
