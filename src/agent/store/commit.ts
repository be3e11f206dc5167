import { join } from 'node:path';
import type { ImageConfig, Manifest, RunConfig } from '../oci/image.ts';
import { mediaTypes } from '../oci/image.ts';
import { readBytes, stageBlob } from './blobs.ts';
import { withImages } from './catalog.ts';
import type { CommitOptions } from './contract.ts';
import { parseManifest } from './documents.ts';
import { noSuchImage } from './errors.ts';
import { tagReference } from './import.ts';
import { chainIdOf } from './layer-store.ts';
import { imageOf } from './layout.ts';
import { type LoadContext, stageText, withStaging } from './load.ts';

/** An archive of nothing: two blocks of zeros. Such a layer is none, as in Docker. */
const emptyTar = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';

/** Makes an image of another one and a changeset on it. @returns its id */
export async function commitImage(
  parentId: string | undefined,
  context: Omit<LoadContext, 'signal'> & { readonly options: CommitOptions },
): Promise<string> {
  const { storage, options, now } = context;
  const { signal } = options;
  const parent = parentId === undefined ? undefined : storage.catalog.images.get(parentId);
  if (parentId !== undefined && !parent) throw noSuchImage(parentId);
  const references = options.reference === undefined ? [] : [tagReference(options.reference)];
  return await withStaging({ storage, signal, doing: 'commit the container' }, async (directory, pin) => {
    for (const chainId of parent?.chainIds ?? []) pin(chainId);
    const layer = options.layer && storage.limits.plain(options.layer, 'the layer');
    const staged = layer && (await stageBlob(join(directory, 'layer'), layer));
    const blob = staged?.digest === emptyTar ? undefined : staged;
    if (blob) {
      const below = parent?.chainIds.at(-1);
      pin(chainIdOf(below, blob.digest));
      const layer = { diffId: blob.digest, parent: below, isVerified: true, open: () => readBytes(blob.path) };
      await storage.layers.ensure(layer);
    }
    const created = now().toISOString();
    const base = parent?.config ?? { ...(options.platform ?? context.platform), rootfs: noLayers };
    const made = configOf(base, { options, created, diffId: blob?.digest });
    const config = await stageText(join(directory, 'config'), JSON.stringify(made));
    const before = parent && parseManifest(await storage.blobs.read(parent.manifest.digest), parent.manifest.digest);
    const document: Manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: { mediaType: mediaTypes.config, digest: config.digest, size: config.size },
      layers: [
        ...(before?.layers ?? []),
        ...(blob ? [{ mediaType: mediaTypes.layer, digest: blob.digest, size: blob.size }] : []),
      ],
    };
    const manifest = await stageText(join(directory, 'manifest'), JSON.stringify(document));
    const image = imageOf({
      config: made,
      manifest: { document, digest: manifest.digest, size: manifest.size },
      loadedAt: created,
      hidden: false,
      parent: parent?.id,
    });
    await storage.staging.sync();
    signal.throwIfAborted();
    await storage.change(
      (catalog) => {
        // Removed meanwhile, and nobody but us kept its layers: its blobs are gone.
        if (parent && !catalog.images.has(parent.id)) throw noSuchImage(parent.id);
        return { catalog: withImages(catalog, [{ image, references }]) };
      },
      [manifest, config, ...(blob ? [blob] : [])],
    );
    return image.id;
  });
}

const noLayers: ImageConfig['rootfs'] = { type: 'layers', diff_ids: [] };

function configOf(
  parent: ImageConfig,
  made: { readonly options: CommitOptions; readonly created: string; readonly diffId: string | undefined },
): ImageConfig {
  const { options, created, diffId } = made;
  const { author: _author, container: _container, container_config: _config, history = [], ...rest } = parent;
  const { author, comment, createdBy } = options;
  return {
    ...rest,
    created,
    ...(author === '' ? {} : { author }),
    config: options.config satisfies RunConfig,
    ...(options.container && { container: options.container.id, container_config: options.container.config }),
    rootfs: { type: 'layers', diff_ids: [...parent.rootfs.diff_ids, ...(diffId === undefined ? [] : [diffId])] },
    history: [
      ...history,
      options.history ?? {
        created,
        ...(createdBy === '' ? {} : { created_by: createdBy }),
        ...(author === '' ? {} : { author }),
        ...(comment === '' ? {} : { comment }),
        ...(diffId === undefined ? { empty_layer: true } : {}),
      },
    ],
  };
}
