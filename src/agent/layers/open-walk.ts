import type { LayeredImage, Part } from './contract.ts';
import { noSuchLayer } from './errors.ts';
import { StackWalk } from './stack-walk.ts';

/** The highest layer that a part of an image counts. @throws not-found */
export function topOf(image: LayeredImage, position: number | undefined): number {
  const top = position ?? image.layers.length - 1;
  if (position !== undefined && !image.layers[position]) throw noSuchLayer(image.id, position);
  return top;
}

/** A walk over layers 0..position; whoever opens it closes it. @throws not-found for a layer that the image has not. */
export async function openWalk(
  image: LayeredImage,
  { position, signal }: Pick<Part, 'position' | 'signal'>,
): Promise<StackWalk> {
  const top = topOf(image, position);
  const indexes = await image.indexes(signal);
  return await StackWalk.open(indexes.slice(0, top + 1));
}
