import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { type Manifest, mediaTypes } from '../oci/image.ts';
import type { StoredImage } from './catalog.ts';
import { parseManifest } from './documents.ts';
import { noSuchPart } from './errors.ts';
import type { ImageContent } from './pieces.ts';
import type { Storage } from './storage.ts';

/** Opens everything that a registry gets of an image. */
export async function openContent(storage: Storage, image: StoredImage): Promise<ImageContent> {
  const { digest, size, mediaType } = image.source ?? { ...image.manifest, mediaType: mediaTypes.manifest };
  const held = await holdBlobs(storage, new Set(image.blobs));
  try {
    const data = await storage.blobs.read(digest);
    const document: Manifest = parseManifest(data, digest);
    return {
      id: image.id,
      config: image.config,
      manifest: { mediaType, digest, size },
      data,
      document,
      open: (blob, from = 0) => {
        const handle = held.get(blob);
        if (!handle) throw noSuchPart(`image ${image.id} has no blob ${blob}`);
        return Readable.from(contentOf(handle, from), { objectMode: false, highWaterMark: pieceSize });
      },
      close: () => closeAll(held),
    };
  } catch (failure) {
    await closeAll(held);
    throw failure;
  }
}

/** Opens blobs, so that one that is removed can still be read to its end. @returns the handles by digest */
export async function holdBlobs(storage: Storage, digests: ReadonlySet<string>): Promise<Map<string, FileHandle>> {
  const held = new Map<string, FileHandle>();
  try {
    for (const digest of digests) held.set(digest, await open(storage.blobs.pathOf(digest), 'r'));
  } catch (failure) {
    await closeAll(held);
    throw failure;
  }
  return held;
}

export async function closeAll(held: ReadonlyMap<string, FileHandle>): Promise<void> {
  await Promise.all([...held.values()].map((handle) => handle.close()));
}

/** What a file holds from a byte on, in pieces of `pieceSize`. */
export async function* contentOf(handle: FileHandle, from = 0): AsyncGenerator<Buffer> {
  for (let at = from; ; ) {
    const { bytesRead, buffer } = await handle.read({ buffer: Buffer.allocUnsafe(pieceSize), position: at });
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

export const pieceSize = 1 << 18;
