import { Readable } from 'node:stream';
import { canceled, isKind, messageOf, PortholeError } from '../../base/errors.ts';
import type { Descriptor, Manifest } from '../oci/image.ts';
import { chainIdsOf } from '../store/catalog.ts';
import type { ImageRecord, ImageStore } from '../store/contract.ts';
import type { ImageIntake } from '../store/pieces.ts';
import { familiar, type Reference } from '../store/reference.ts';
import { RegistryRefusal } from './answers.ts';
import type { PulledImage } from './contract.ts';
import { download } from './downloads.ts';
import { fetchConfig, type ResolvedImage, resolveImage } from './manifests.ts';
import type { WantedPlatform } from './platforms.ts';
import { Counter, type Progress, shortId } from './progress.ts';
import type { Retries } from './retry.ts';
import type { Session } from './session.ts';
import type { Slots } from './slots.ts';

export interface PullTask {
  /** With a tag or a digest. */
  readonly reference: Reference;
  readonly platform: WantedPlatform;
  readonly images: ImageStore;
  readonly slots: Slots;
  readonly retries: Retries;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** One image from one endpoint. Layers come side by side and are unpacked in their order meanwhile. */
export async function pullImage(session: Session, task: PullTask): Promise<PulledImage> {
  const { reference, images, progress, signal } = task;
  const { path } = reference;
  const found = () => progress.message(`Pulling from ${path}`, reference.digest ?? reference.tag);
  const resolved = await resolveImage(session, { ...task, path, found });
  const name = familiar(reference);
  const { id: before } = imageOrNone(images, name) ?? {};
  const { config } = resolved.manifest.parsed;
  const intake = await images.intake({ doing: 'pull the image', signal });
  try {
    const isKnown = imageOrNone(images, config.digest) !== undefined;
    const isWhole = await isHere(intake, resolved.manifest.parsed);
    // One that was made here has its layers in another form: then only the names are new.
    if (!isKnown || isWhole) await bring(intake, resolved, { ...task, session });
    progress.message(`Digest: ${resolved.digest}`);
    const byDigest = { domain: reference.domain, path, digest: resolved.digest };
    if (!isKnown || isWhole) {
      const { mediaType, bytes } = resolved.manifest;
      const references = [...new Set([name, familiar(byDigest)])];
      await intake.finish({ manifest: { mediaType, data: bytes }, references });
    } else {
      if (reference.tag !== undefined) await images.tag(config.digest, name);
      await images.addDigest(config.digest, byDigest);
    }
  } finally {
    await intake.close();
  }
  return { id: config.digest, name, digest: resolved.digest, isNew: before !== config.digest };
}

async function isHere(intake: ImageIntake, { config, layers }: Manifest): Promise<boolean> {
  for (const { digest, size } of [config, ...layers]) if ((await intake.sizeOf(digest)) !== size) return false;
  return true;
}

export function statusLine(name: string, isNew: boolean): string {
  return isNew ? `Status: Downloaded newer image for ${name}` : `Status: Image is up to date for ${name}`;
}

function imageOrNone(images: ImageStore, nameOrId: string): ImageRecord | undefined {
  try {
    return images.get(nameOrId);
  } catch (failure) {
    if (isKind(failure, 'not-found')) return undefined;
    throw failure;
  }
}

async function bring(
  intake: ImageIntake,
  { manifest }: ResolvedImage,
  task: PullTask & { readonly session: Session },
): Promise<void> {
  const { reference, session, progress, images } = task;
  const { layers, config } = manifest.parsed;
  // dockerd says nothing of the layers of an image that it has.
  if (imageOrNone(images, config.digest)) return;
  const { bytes, parsed } = await fetchConfig(session, {
    path: reference.path,
    manifest: manifest.parsed,
    signal: task.signal,
  });
  await intake.put(config, async () => Readable.from([bytes]));
  // The first failure ends the other downloads; the one who pulls ends them all.
  const abort = new AbortController();
  const signal = AbortSignal.any([task.signal, abort.signal]);
  const chain = chainIdsOf(parsed);
  const here = await Promise.all(layers.map(async ({ digest, size }) => (await intake.sizeOf(digest)) === size));
  for (const [position, { digest }] of layers.entries()) {
    const isDone = here[position] && intake.hasLayer(chain[position] ?? '');
    progress.update(shortId(digest), isDone ? 'Already exists' : 'Pulling fs layer');
  }
  const downloading = { ...task, path: reference.path, intake, signal };
  const arrivals = layers.map(async (layer, position) => {
    if (!here[position]) await download(layer, downloading);
  });
  // Each is waited for in its turn; a failure before that is not unhandled.
  for (const arrival of arrivals) arrival.catch(() => abort.abort());
  try {
    for (const [position, layer] of layers.entries()) {
      await arrivals[position];
      if (here[position] && intake.hasLayer(chain[position] ?? '')) continue;
      const parent = chain[position - 1];
      const diffId = parsed.rootfs.diff_ids[position] ?? '';
      await unpackLayer(intake, { layer, diffId, parent, progress, signal });
    }
  } catch (failure) {
    abort.abort();
    const results = await Promise.allSettled(arrivals);
    if (task.signal.aborted) throw canceled('the pull');
    // What failed first, not what was ended because of it.
    const reasons = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    throw isKind(failure, 'canceled') ? (reasons.find((one) => !isKind(one, 'canceled')) ?? failure) : failure;
  }
}

async function unpackLayer(
  intake: ImageIntake,
  given: {
    readonly layer: Descriptor;
    readonly diffId: string;
    readonly parent: string | undefined;
    readonly progress: Progress;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { layer, diffId, parent, progress, signal } = given;
  const { digest, size } = layer;
  const id = shortId(digest);
  const counter = new Counter((current) => progress.count(id, 'Extracting', { current, total: size }));
  try {
    if (signal.aborted) throw canceled('the pull');
    const onBytes = (read: number): void => counter.at(read);
    await intake.unpack({ digest, diffId, onBytes, ...(parent !== undefined && { parent }) });
  } catch (failure) {
    if (!(failure instanceof PortholeError) || failure.kind === 'canceled') throw failure;
    const words = `failed to register layer ${digest}: ${messageOf(failure)}`;
    throw new PortholeError(failure.kind, words, { cause: failure });
  }
  progress.count(id, 'Extracting', { current: size, total: size });
  progress.update(id, 'Pull complete');
}

/** dockerd's words for what a registry refuses to a pull. */
export function pullFailure(failure: unknown, reference: Reference): unknown {
  if (!(failure instanceof RegistryRefusal)) return failure;
  const name = familiar({ domain: reference.domain, path: reference.path });
  const words = new Map([
    ['DENIED', `pull access denied for ${name}, repository does not exist or may require 'docker login'`],
    ['MANIFEST_UNKNOWN', `manifest for ${familiar(reference)} not found`],
    ['NAME_UNKNOWN', `repository ${name} not found`],
  ]).get(failure.code);
  if (words === undefined) return failure;
  return new PortholeError('not-found', `${words}: ${failure.message}`, { cause: failure });
}
