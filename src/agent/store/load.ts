import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Manifest, mediaTypes } from '../oci/image.ts';
import { type ArchivedImage, describeArchive, type Platform } from './archives.ts';
import { readBytes, type StagedBlob, stageBlob } from './blobs.ts';
import { type Catalog, chainIdsOf, type NamedImage, withImages } from './catalog.ts';
import type { LoadedImage, LoadOptions } from './contract.ts';
import { archiveFailure } from './errors.ts';
import { layerNamed } from './layer-store.ts';
import { imageOf } from './layout.ts';
import { familiar, normalized } from './reference.ts';
import { spool } from './spool.ts';
import type { Storage } from './storage.ts';
import { abortable, counted, verified } from './streams.ts';

export interface LoadContext {
  readonly storage: Storage;
  readonly platform: Platform;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  readonly onLayer?: LoadOptions['onLayer'];
}

/** Loads every image of an archive, or nothing. */
export async function loadArchive(archive: Readable, context: LoadContext): Promise<LoadedImage[]> {
  const doing = 'load the image';
  return await withStaging({ ...context, doing }, async (directory, pin) => {
    const { limits } = context.storage;
    const spooled = await spool(abortable(archive, { signal: context.signal, doing }), { directory, limits });
    const images = await describeArchive(spooled, context.platform);
    const before = await keepImages(images, { ...context, directory, pin });
    return images.map(({ configBlob: { digest: id }, references }) => ({
      id,
      tags: references.map(familiar),
      moved: references.flatMap((reference) => {
        const from = before.references.get(normalized(reference));
        return from === undefined || from === id ? [] : [{ tag: familiar(reference), from }];
      }),
    }));
  });
}

type Pin = (chainId: string) => void;

/** Unpacks what is new of the images, makes it last, and names them. @returns the catalog as it was before */
export async function keepImages(
  images: readonly ArchivedImage[],
  context: LoadContext & { readonly directory: string; readonly pin: Pin },
): Promise<Catalog> {
  const { storage, directory } = context;
  const blobs: StagedBlob[] = [];
  for (const image of images) await ensureLayers(image, context);
  const loadedAt = context.now().toISOString();
  const added: NamedImage[] = [];
  for (const [position, archived] of images.entries()) {
    const manifest = archived.manifest ?? (await writeManifest(archived, join(directory, `manifest-${position}`)));
    const image = imageOf({
      config: archived.config,
      manifest: { document: manifest.document, digest: manifest.blob.digest, size: manifest.blob.size },
      loadedAt,
      hidden: false,
    });
    added.push({ image, references: archived.references });
    blobs.push(manifest.blob, archived.configBlob, ...archived.layers.map(({ blob }) => blob));
  }
  await storage.staging.sync();
  context.signal.throwIfAborted();
  const change = (before: Catalog) => ({ before, catalog: withImages(before, added) });
  return (await storage.change(change, blobs)).plan.before;
}

/** Runs a task with a directory of its own; whatever it unpacked and did not name goes if it fails. */
export async function withStaging<T>(
  context: { readonly storage: Storage; readonly signal: AbortSignal; readonly doing: string },
  task: (directory: string, pin: Pin) => Promise<T>,
): Promise<T> {
  const { storage } = context;
  const unpin: (() => void)[] = [];
  let directory: string | undefined;
  let done = false;
  try {
    directory = await storage.staging.make('load');
    const result = await task(directory, (chainId) => unpin.push(storage.layers.pin(chainId)));
    done = true;
    return result;
  } catch (failure) {
    throw archiveFailure(failure, context);
  } finally {
    for (const undo of unpin) undo();
    if (directory) await storage.staging.remove(directory).catch(() => undefined);
    if (!done) await storage.collect().catch(() => undefined);
  }
}

async function ensureLayers(image: ArchivedImage, context: LoadContext & { readonly pin: Pin }): Promise<void> {
  const { onLayer, signal } = context;
  const { layers, limits } = context.storage;
  const chain = chainIdsOf(image.config);
  for (const chainId of chain) context.pin(chainId);
  for (const [position, { diffId, blob }] of image.layers.entries()) {
    signal.throwIfAborted();
    const chainId = chain[position] ?? '';
    const isVerified = blob.digest === diffId;
    if (!layers.has(chainId)) {
      const onBytes = (read: number): void => {
        signal.throwIfAborted();
        onLayer?.({ diffId, read, size: blob.size });
      };
      const open = () => counted(readBytes(blob.path), onBytes);
      await layers.ensure({ diffId, parent: chain[position - 1], isVerified, open });
    } else if (!isVerified) {
      // A blob that nobody unpacks is kept, too: it must hold what its image says.
      for await (const _ of verified(limits.decompressed(readBytes(blob.path), layerNamed(diffId)), diffId));
    }
  }
}

async function writeManifest(image: ArchivedImage, path: string): Promise<NonNullable<ArchivedImage['manifest']>> {
  const layers = image.layers.map(({ diffId, blob }) => ({
    mediaType: blob.digest === diffId ? mediaTypes.layer : mediaTypes.layerGzip,
    digest: blob.digest,
    size: blob.size,
  }));
  const { digest, size } = image.configBlob;
  const document: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest, size },
    layers,
  };
  return { document, blob: await stageText(path, JSON.stringify(document)) };
}

export async function stageText(path: string, text: string): Promise<StagedBlob> {
  return await stageBlob(path, [Buffer.from(text)]);
}
