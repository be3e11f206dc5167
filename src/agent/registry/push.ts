import { KeyedLock } from '../../base/async.ts';
import { canceled, isKind, PortholeError } from '../../base/errors.ts';
import { type Descriptor, mediaTypes } from '../oci/image.ts';
import type { ImageStore } from '../store/contract.ts';
import type { ImageContent } from '../store/pieces.ts';
import { familiar, parseReference, type Reference } from '../store/reference.ts';
import { bodyOf, patience } from './auth.ts';
import type { CompressedBlobs } from './compressed.ts';
import type { PushedImage } from './contract.ts';
import { digestOf, dockerTypes } from './manifests.ts';
import { Counter, type Progress, shortId } from './progress.ts';
import { type Retries, retrying, retryWords } from './retry.ts';
import type { Session } from './session.ts';
import type { Slots } from './slots.ts';
import { beginUpload, hasBlob, mountBlob, type SentBlob, upload } from './uploads.ts';

export interface PushTask {
  /** With a tag. */
  readonly reference: Reference;
  readonly images: ImageStore;
  readonly compressed: CompressedBlobs;
  readonly slots: Slots;
  readonly retries: Retries;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

interface SentLayer {
  /** As the manifest names it. */
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Sends an image's layers, config and manifest, in this order: a registry refuses a manifest before its parts. */
export async function pushImage(session: Session, task: PushTask): Promise<PushedImage> {
  const content = await contentOf(task);
  try {
    return await pushContent(session, content, task);
  } finally {
    await content.close();
  }
}

async function pushContent(session: Session, content: ImageContent, task: PushTask): Promise<PushedImage> {
  const { reference, images, progress, signal } = task;
  const { path } = reference;
  const { document, data } = content;
  const isVerbatim = isOwnManifest(images, content);
  const abort = new AbortController();
  const within = AbortSignal.any([signal, abort.signal]);
  const locks = new KeyedLock();
  // As dockerd: the topmost first.
  const layers = document.layers.map((layer, position) => layerOf(content, layer, position)).reverse();
  for (const { diffId } of layers) progress.update(shortId(diffId), 'Preparing');
  const sending = layers.map((layer) => {
    // The same layer twice in an image is sent once.
    const sent = locks.run(layer.digest, () => sendLayer(session, layer, { ...task, signal: within, isVerbatim }));
    sent.catch(() => abort.abort());
    return sent;
  });
  const results = await Promise.allSettled(sending);
  if (signal.aborted) throw canceled('the push');
  const failures = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (failures.length > 0) throw reasonOf(failures.find((one) => !isKind(one, 'canceled')) ?? failures[0]);
  const sent = (await Promise.all(sending)).reverse();
  await sendConfig(session, content, task);
  const manifest = isVerbatim ? data : dockerManifest(document.config, sent);
  const put = {
    method: 'PUT',
    path: `/v2/${path}/manifests/${reference.tag}`,
    headers: { 'Content-Type': isVerbatim ? content.manifest.mediaType : dockerTypes.manifest },
    body: bodyOf(manifest),
    deadline: patience,
    signal,
  } as const;
  (await session.send(put)).body.resume();
  const digest = digestOf(manifest);
  await images.addDigest(content.id, { domain: reference.domain, path, digest });
  return { id: content.id, name: familiar(reference), digest, size: manifest.length };
}

/** As dockerd: why a request for a layer could not be made, without the request. */
function reasonOf(failure: unknown): unknown {
  return failure instanceof PortholeError && failure.cause instanceof PortholeError ? failure.cause : failure;
}

interface Layer extends SentBlob {
  readonly mediaType: string;
  readonly diffId: string;
}

function layerOf({ config, open }: ImageContent, { digest, size, mediaType }: Descriptor, position: number): Layer {
  const diffId = config.rootfs.diff_ids[position] ?? digest;
  return { mediaType, digest, size, diffId, open: () => open(digest) };
}

async function contentOf({ images, reference }: PushTask): Promise<ImageContent> {
  try {
    return await images.content(familiar(reference));
  } catch (failure) {
    if (!isKind(failure, 'not-found')) throw failure;
    throw new PortholeError('not-found', `tag does not exist: ${familiar(reference)}`, { cause: failure });
  }
}

/**
 * What a registry gave goes as it came. Of an image that was made here the manifest is made anew, in Docker's format as
 * dockerd makes it, which has no word for zstd.
 */
function isOwnManifest(images: ImageStore, { id, manifest, document }: ImageContent): boolean {
  if (manifest.mediaType !== mediaTypes.manifest) return true;
  const isFromRegistry = images.get(id).digests.some((one) => one.endsWith(`@${manifest.digest}`));
  return isFromRegistry || document.layers.some(({ mediaType }) => mediaType === mediaTypes.layerZstd);
}

async function sendLayer(
  session: Session,
  layer: Layer,
  task: PushTask & { readonly isVerbatim: boolean },
): Promise<SentLayer> {
  const { progress, slots, signal, retries } = task;
  const id = shortId(layer.diffId);
  const giveBack = await slots.take({ signal, onWait: () => progress.update(id, 'Waiting') });
  try {
    const tell = (seconds: number): void => progress.update(id, retryWords(seconds));
    const sent = await retrying(() => tryLayer(session, layer, task), { ...retries, signal, tell });
    progress.update(id, sent.how);
    return sent;
  } finally {
    giveBack();
  }
}

async function tryLayer(
  session: Session,
  layer: Layer,
  task: PushTask & { readonly isVerbatim: boolean },
): Promise<SentLayer & { readonly how: string }> {
  const { reference, images, compressed, signal, isVerbatim, progress } = task;
  const { path } = reference;
  const isPlain = !isVerbatim && layer.mediaType === mediaTypes.layer;
  const mediaType = isVerbatim ? layer.mediaType : dockerTypes.layerGzip;
  const expected = isPlain ? compressed.known(layer.digest) : layer;
  let place: string | undefined;
  if (expected) {
    const { digest, size } = expected;
    const said = { mediaType, digest, size };
    if (await hasBlob(session, { path, digest, signal })) return { ...said, how: 'Layer already exists' };
    const from = otherRepository(images, layer.diffId, reference);
    if (from !== undefined) {
      place = await mountBlob(session, { path, digest, from, signal });
      if (place === undefined) return { ...said, how: `Mounted from ${from}` };
    }
  }
  const made = isPlain ? await compressed.make(layer, signal) : undefined;
  try {
    const blob: SentBlob = made ?? layer;
    const id = shortId(layer.diffId);
    const count = (current: number): void => progress.count(id, 'Pushing', { current, total: blob.size });
    const counter = new Counter(count);
    place ??= await beginUpload(session, { path, signal });
    // A mount that was tried a moment ago and another gzip since: then it is mounted after all.
    await upload(session, blob, { place, signal, onBytes: (total) => counter.at(total) });
    count(blob.size);
    return { mediaType, digest: blob.digest, size: blob.size, how: 'Pushed' };
  } finally {
    await made?.remove();
  }
}

async function sendConfig(
  session: Session,
  { document: { config }, open }: ImageContent,
  { reference, signal, retries }: PushTask,
): Promise<void> {
  const { path } = reference;
  await retrying(
    async () => {
      if (await hasBlob(session, { path, digest: config.digest, signal })) return;
      const place = await beginUpload(session, { path, signal });
      await upload(
        session,
        { ...config, open: () => open(config.digest) },
        { place, signal, onBytes: () => undefined },
      );
    },
    { ...retries, signal, tell: () => undefined },
  );
}

/** A repository of the same registry that has a layer, as far as is known here: of what came from there or went there. */
function otherRepository(images: ImageStore, diffId: string, { domain, path }: Reference): string | undefined {
  for (const { config, digests } of images.list()) {
    if (!config.rootfs.diff_ids.includes(diffId)) continue;
    const found = digests.map(parseReference).find((one) => one.domain === domain && one.path !== path);
    if (found) return found.path;
  }
  return undefined;
}

/** Byte for byte as dockerd writes it: an image that both have gets the same digest from both. */
function dockerManifest(config: Descriptor, layers: readonly SentLayer[]): Buffer {
  const document = {
    schemaVersion: 2,
    mediaType: dockerTypes.manifest,
    config: { mediaType: dockerTypes.config, size: config.size, digest: config.digest },
    layers: layers.map(({ mediaType, size, digest }) => ({ mediaType, size, digest })),
  };
  return Buffer.from(JSON.stringify(document, null, 3));
}
