import { PortholeError } from '../../base/errors.ts';
import type { LayeredImage, OpenedFile, Part } from './contract.ts';
import { lookUp } from './merged.ts';
import { topOf } from './open-walk.ts';
import { StackFinder } from './stack-finder.ts';

/**
 * A version of a file: as this very layer stores it, or as layers 0..position show it.
 * @throws not-found; invalid when it is not a regular file.
 */
export async function openVersion(
  image: LayeredImage,
  at: Part & { readonly path: string; readonly from: 'layer' | 'merged' },
): Promise<OpenedFile> {
  const position = topOf(image, at.position);
  const found = at.from === 'merged' ? await lookUp(image, at) : await lookInLayer(image, { ...at, position });
  if (!found) throw noSuchFile(at.path, position);
  return image.open(found.position, found.entry);
}

const noSuchFile = (path: string, position: number) =>
  new PortholeError('not-found', `no such file in layer ${position}: /${path}`);

async function lookInLayer(
  image: LayeredImage,
  { position, path, signal }: { readonly position: number; readonly path: string; readonly signal: AbortSignal },
) {
  const finder = await StackFinder.open((await image.indexes(signal)).slice(position, position + 1));
  try {
    const entry = (await finder.find(path))?.entry();
    return entry && { entry, position };
  } finally {
    await finder.close();
  }
}
