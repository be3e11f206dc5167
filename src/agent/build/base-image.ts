import { isKind } from '../../base/errors.ts';
import { expandWord } from '../dockerfile/expand.ts';
import type { From } from '../dockerfile/instruction.ts';
import type { ImageRecord, ImageStore } from '../store/contract.ts';
import { parseReference } from '../store/reference.ts';
import type { BuildArgs } from './build-args.ts';
import type { BuildOutput } from './contract.ts';
import { failed, wrapped } from './errors.ts';
import type { BuildJob } from './job.ts';
import { type BuildPlatform, parsePlatform } from './platform.ts';

/** An image that is here; undefined for what is not, or is no name. */
export function findImage(images: ImageStore, name: string): ImageRecord | undefined {
  try {
    return images.get(name);
  } catch (failure) {
    if (isKind(failure, 'not-found') || isKind(failure, 'invalid')) return undefined;
    throw failure;
  }
}

/**
 * What FROM begins with, when it is no stage: undefined for scratch. What is not here, or is to be brought again, is brought.
 * @throws invalid for a name that says nothing; not-found; what the registry says
 */
export async function baseImage(
  from: From,
  build: {
    readonly job: BuildJob;
    readonly args: BuildArgs;
    readonly output: BuildOutput;
    readonly signal: AbortSignal;
  },
): Promise<ImageRecord | undefined> {
  const { job, args } = build;
  const name = expandWord(from.base, args.meta, job.escapeToken);
  if (name === '') throw failed(`base name (${from.base}) should not be blank`);
  const platform = from.platform === undefined ? job.platform : platformOf(from.platform, build);
  if (name === 'scratch') return undefined;
  return await bring(name, { ...build, platform });
}

function platformOf(text: string, { args, job }: { readonly args: BuildArgs; readonly job: BuildJob }) {
  const expanded = expandWord(text, args.meta, job.escapeToken);
  try {
    return parsePlatform(expanded) ?? failedPlatform();
  } catch (failure) {
    if (isKind(failure, 'unsupported')) throw failure;
    throw wrapped(`failed to parse platform ${expanded}`, failure);
  }
}

function failedPlatform(): never {
  throw failed(
    '"" is an invalid component of "": platform specifier component must match "^[A-Za-z0-9_-]+$": invalid argument',
  );
}

/** An image by its name. @throws not-found; what the registry says */
export async function bring(
  name: string,
  build: {
    readonly job: BuildJob;
    readonly output: BuildOutput;
    readonly signal: AbortSignal;
    readonly platform: BuildPlatform | undefined;
  },
): Promise<ImageRecord> {
  const { job, output, signal, platform } = build;
  const { images, source } = job.parts;
  const here = findImage(images, name);
  if (here && isOf(here, platform) && !job.request.pull) return here;
  if (here && isId(name, here)) {
    if (platform && !isOf(here, platform)) throw otherPlatform(name, here, platform);
    return here;
  }
  const auth = job.request.credentials(parseReference(name).domain);
  const { id } = await source.pull(name, {
    progress: (line) => output.progress(line),
    ...(auth && { auth }),
    ...(platform && { platform: [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/') }),
    signal,
  });
  return images.get(id);
}

/** No registry knows an id. */
const isId = (name: string, { id }: ImageRecord): boolean => id.startsWith(name) || id.startsWith(`sha256:${name}`);

function isOf({ config }: ImageRecord, platform: BuildPlatform | undefined): boolean {
  return !platform || (config.os === platform.os && config.architecture === platform.architecture);
}

const otherPlatform = (name: string, { config }: ImageRecord, wanted: BuildPlatform) =>
  failed(
    `image with reference ${name} was found but does not match the specified platform: wanted ${wanted.os}/${wanted.architecture}, actual: ${config.os}/${config.architecture}`,
  );
