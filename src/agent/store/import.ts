import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { PortholeError } from '../../base/errors.ts';
import type { ImageConfig } from '../oci/image.ts';
import type { ArchivedImage } from './archives.ts';
import { stageBlob } from './blobs.ts';
import type { ImportOptions } from './contract.ts';
import { invalidArchive } from './errors.ts';
import { applyInstructions } from './instructions.ts';
import { keepImages, type LoadContext, stageText, withStaging } from './load.ts';
import { parseReference, type Reference, withDefaultTag } from './reference.ts';
import { abortable } from './streams.ts';

/** Makes an image of one layer from the tar of a root file system. @returns its id */
export async function importArchive(
  archive: Readable,
  context: LoadContext & { readonly options: ImportOptions },
): Promise<string> {
  const { options, signal } = context;
  const doing = 'import the image';
  const references = options.reference === undefined ? [] : [tagReference(options.reference)];
  const config = applyInstructions({}, options.changes ?? []);
  return await withStaging({ ...context, doing }, async (directory, pin) => {
    const content = context.storage.limits.decompressed(abortable(archive, { signal, doing }), 'the whole');
    const blob = await stageBlob(join(directory, 'layer'), content);
    if (blob.size === 0) throw invalidArchive('it is empty');
    const created = context.now().toISOString();
    const document: ImageConfig = {
      created,
      ...(options.platform ?? context.platform),
      config,
      rootfs: { type: 'layers', diff_ids: [blob.digest] },
      history: [{ created, comment: options.message || 'Imported from -' }],
    };
    const configBlob = await stageText(join(directory, 'config'), JSON.stringify(document));
    const image: ArchivedImage = {
      config: document,
      configBlob,
      layers: [{ diffId: blob.digest, blob }],
      references,
    };
    await keepImages([image], { ...context, directory, pin });
    return configBlob.digest;
  });
}

/** A name that can be given to an image. @throws invalid */
export function tagReference(text: string): Reference {
  const reference = withDefaultTag(parseReference(text));
  if (reference.digest !== undefined) {
    throw new PortholeError('invalid', 'refusing to create a tag with a digest reference');
  }
  if (reference.domain === 'docker.io' && reference.path === 'library/sha256') {
    throw new PortholeError('invalid', 'refusing to create an ambiguous tag using digest algorithm as name');
  }
  return reference;
}
