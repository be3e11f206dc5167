import type { LayerEntry } from '../../protocol/layers.ts';
import type { ImageStore } from '../store/contract.ts';

/** As many symbolic links as the kernel follows. */
const mostLinks = 40;

/**
 * What an absolute path leads to in an image as its containers see it, links followed as in a container whose root the image is: they cannot
 * leave it, because what is walked is the image's index. Undefined: nothing, or links without an end.
 */
export async function resolveInImage(
  images: Pick<ImageStore, 'lookup'>,
  imageId: string,
  path: string,
): Promise<LayerEntry | undefined> {
  let done: string[] = [];
  const left = partsOf(path);
  let links = 0;
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    if (part === '..') {
      done.pop();
      continue;
    }
    const entry = await images.lookup(imageId, [...done, part].join('/'), 'init');
    if (!entry) return undefined;
    if (entry.type !== 'symlink') {
      done.push(part);
      continue;
    }
    if (++links > mostLinks) return undefined;
    const target = entry.link ?? '';
    if (target.startsWith('/')) done = [];
    left.unshift(...partsOf(target));
  }
  return images.lookup(imageId, done.join('/'), 'init');
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
