import type { LayerEntry, PathVersion } from '../../protocol/layers.ts';
import { isSameContent, type Stored } from './content.ts';
import type { LayeredImage, Part } from './contract.ts';
import { differences, isContentUnknown } from './differences.ts';
import { keyOf } from './keys.ts';
import { openWalk } from './open-walk.ts';

/** Which layers touched a path, bottom first: those that store something there, and those that hid what was there. */
export async function versionsOf(image: LayeredImage, part: Part & { readonly path: string }): Promise<PathVersion[]> {
  const walk = await openWalk(image, part);
  const found: PathVersion[] = [];
  try {
    const isThere = (await walk.enter(part.path)) && walk.key.equals(keyOf(part.path));
    if (!isThere) return [];
    let below: { readonly entry: LayerEntry; readonly position: number } | undefined;
    for (const [position] of image.layers.entries()) {
      const claim = walk.claims.find(({ layer }) => layer === position);
      const hides = claim?.isWhiteout === true || walk.isCoveredBy(position);
      const entry = claim && !claim.isWhiteout ? claim.entry() : undefined;
      if (entry) {
        found.push(await versionOf(image, { position, entry, below, signal: part.signal }));
        below = { entry, position };
      } else if (hides && below) {
        const above = claim === undefined;
        found.push({ position, kind: 'deleted', before: below.entry, ...(above && { withDirectory: true }) });
        below = undefined;
      }
    }
    return found;
  } finally {
    await walk.close();
  }
}

async function versionOf(
  image: LayeredImage,
  at: {
    readonly position: number;
    readonly entry: LayerEntry;
    readonly below: { readonly entry: LayerEntry; readonly position: number } | undefined;
    readonly signal: AbortSignal;
  },
): Promise<PathVersion> {
  const { position, entry, below } = at;
  if (!below) return { position, kind: 'added', after: entry };
  const files: [Stored, Stored] = [
    { image, ...below },
    { image, position, entry },
  ];
  const same = isContentUnknown(below.entry, entry) ? await isSameContent(files, at.signal) : undefined;
  return {
    position,
    kind: 'modified',
    differs: differences(below.entry, entry, same),
    before: below.entry,
    after: entry,
  };
}
