import { join } from 'node:path';
import type { LayerView, ReadOfContainer } from '../../protocol/layers.ts';
import { type DirectoryTotals, indexDirectory, openInDirectory } from '../files/directory-layer.ts';
import { openFileRoot } from '../files/root.ts';
import type { LayeredImage } from '../layers/contract.ts';
import { IndexFile } from '../layers/index-file.ts';
import { IndexWriter } from '../layers/index-writer.ts';
import type { Container } from './container.ts';
import type { ContainerLayers } from './contract.ts';
import type { Engine } from './engine.ts';
import { noSuchContainer } from './errors.ts';

/**
 * A container as a stack of changesets: its image's layers, the engine's own on top of them, and the writable layer, which is
 * described anew each time. A container that runs goes on changing it: `read` says of when the answer is.
 */
export async function withLayers<T>(
  engine: Engine,
  container: Container,
  signal: AbortSignal,
  task: (layers: ContainerLayers) => Promise<T>,
): Promise<T> {
  try {
    return await engine.images.scratch((directory) => read(engine, container, { directory, signal, task }));
  } catch (failure) {
    // Its files went while they were read: what failed is of no interest then.
    if (!engine.registry.has(container)) throw noSuchContainer(container.id);
    throw failure;
  }
}

async function read<T>(
  engine: Engine,
  container: Container,
  options: {
    readonly directory: string;
    readonly signal: AbortSignal;
    readonly task: (layers: ContainerLayers) => Promise<T>;
  },
): Promise<T> {
  const { directory, signal, task } = options;
  const image = await engine.images.layeredForContainers(container.record.imageId);
  const upper = { kind: 'directory', path: join(container.directory, 'upper'), trusted: true } as const;
  const root = await openFileRoot(engine, upper, { signal });
  try {
    const path = join(directory, 'index');
    const from = new Date().toISOString();
    const totals = await IndexWriter.write(path, (index) => indexDirectory(root, { index, signal }));
    const moment = { id: container.id, from, to: new Date().toISOString() };
    const own = await IndexFile.read(path);
    const layered: LayeredImage = {
      id: container.id,
      layers: [...image.layers, ownLayer(image.layers.length, totals, moment)],
      indexes: async (asked) => [...(await image.indexes(asked)), own],
      open: (position, entry) =>
        position === image.layers.length ? openInDirectory(root, entry) : image.open(position, entry),
    };
    return await task({ image: layered, read: moment });
  } finally {
    await root.close();
  }
}

function ownLayer(position: number, totals: DirectoryTotals, read: ReadOfContainer): LayerView {
  const { size, entries, whiteouts } = totals;
  return {
    ...{ position, diffId: '', chainId: '', instruction: '', created: read.to, size, blobSize: 0 },
    counts: { entries, whiteouts },
    sharedBy: [],
    container: read,
  };
}
