import { join } from 'node:path';
import { indexDirectory } from '../files/directory-layer.ts';
import { openFileRoot } from '../files/root.ts';
import type { LayeredImage } from '../layers/contract.ts';
import { IndexFile } from '../layers/index-file.ts';
import { IndexWriter } from '../layers/index-writer.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Shims } from '../shim/contract.ts';
import { chainIdsOf } from '../store/catalog.ts';
import { layerViews } from '../store/layer-views.ts';
import { openLayerFile } from '../store/opened-file.ts';
import type { PlacedImage } from './contract.ts';
import { hexOf } from './docker-storage.ts';
import type { DescribedLayer, IndexCache } from './index-cache.ts';
import { settleIndex } from './settle-index.ts';

export interface ReadingParts {
  readonly cache: IndexCache;
  readonly shims: Shims;
  readonly host: HostFacts;
}

/** What of an image its engine says. */
export interface ForeignImage {
  readonly id: string;
  /** Ids of the images that have each layer, by chain id. */
  readonly users: ReadonlyMap<string, readonly string[]>;
}

/**
 * An image whose layers are directories of another engine: each is described once, by what lstat(2) says, and read where it
 * lies. Whoever asks keeps the layers' indexes pinned.
 */
export async function placedImage(
  parts: ReadingParts,
  { config, directories }: PlacedImage,
  { id, users, signal }: ForeignImage & { readonly signal: AbortSignal },
): Promise<LayeredImage> {
  const layers: DescribedLayer[] = [];
  const chainIds = chainIdsOf(config);
  for (const [position, directory] of directories.entries()) {
    const below = layers.map(({ index }) => index);
    const key = hexOf(chainIds[position] ?? '');
    layers.push(await parts.cache.ensure(key, (into) => describe(parts, { directory, into, below, signal })));
  }
  return {
    id,
    layers: foreignViews({ id, config, users }, layers),
    indexes: async () => layers.map(({ index }) => index),
    open: (position, entry) => openLayerFile(directories[position] ?? '', entry),
  };
}

/** The layers as our own are shown. No engine keeps the blobs that they came in. */
export function foreignViews(
  { id, config, users }: ForeignImage & Pick<PlacedImage, 'config'>,
  layers: readonly DescribedLayer[],
): LayeredImage['layers'] {
  const chainIds = chainIdsOf(config);
  return layerViews(
    { id, config, layerSizes: [] },
    {
      users,
      layers: layers.map(({ size, index }, position) => ({
        chainId: chainIds[position] ?? '',
        diffId: config.rootfs.diff_ids[position] ?? '',
        size,
        entries: index.totals.entries,
        whiteouts: index.totals.whiteouts,
      })),
    },
  );
}

async function describe(
  { shims, host }: ReadingParts,
  at: {
    readonly directory: string;
    readonly into: string;
    readonly below: readonly IndexFile[];
    readonly signal: AbortSignal;
  },
): Promise<{ readonly size: number }> {
  const { directory, into, below, signal } = at;
  const root = await openFileRoot({ shims, host }, { kind: 'directory', path: directory, trusted: true }, { signal });
  try {
    const raw = join(into, 'raw');
    const { size } = await IndexWriter.write(raw, (index) => indexDirectory(root, { index, signal }));
    await settleInto(into, { raw, below, unsettled: { implied: new Set<string>(), isRootOpaque: false }, signal });
    return { size };
  } finally {
    await root.close();
  }
}

/** Makes `index` in a directory of the file `raw` that is there. */
export async function settleInto(
  into: string,
  { raw, ...on }: Omit<Parameters<typeof settleIndex>[1], 'writer'> & { readonly raw: string },
): Promise<void> {
  const index = await IndexFile.read(raw);
  await IndexWriter.write(join(into, 'index'), (writer) => settleIndex(index, { ...on, writer }));
}
