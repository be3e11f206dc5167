import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isKind, messageOf } from '../../base/errors.ts';
import { familiar, parseReference, withDefaultTag } from '../store/reference.ts';
import { findImage } from './base-image.ts';
import type { Builder, BuildOutput, BuildRequest } from './contract.ts';
import { failed } from './errors.ts';
import type { BuilderParts } from './job.ts';
import { BuildRecords } from './records.ts';
import { runBuild } from './run-build.ts';
import { clearLeftovers } from './workspace.ts';

/** Opens the builder of a data root, and takes away what builds left that a crash has cut off. */
export async function openBuilder(parts: BuilderParts): Promise<Builder> {
  await clearLeftovers(parts);
  const directory = join(parts.dataRoot, 'builds', 'records');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const records = await BuildRecords.open(directory, (failure) =>
    parts.report?.(`a build could not be recorded: ${messageOf(failure)}`),
  );
  return {
    build: (request, output, signal) => build(parts, records, { request, output, signal }),
    builds: () => records.all(),
    settled: () => records.settled(),
    stepsOf: (image) => records.stepsOf(image, (id) => findImage(parts.images, id)),
  };
}

async function build(
  parts: BuilderParts,
  records: BuildRecords,
  {
    request,
    output,
    signal,
  }: { readonly request: BuildRequest; readonly output: BuildOutput; readonly signal: AbortSignal },
): Promise<string> {
  const tags = tagNames(request.tags);
  const record = records.begin(tags);
  try {
    const imageId = await runBuild(parts, { request, output, signal, record: (step) => record.steps.push(step) });
    for (const tag of tags) {
      await parts.images.tag(imageId, tag);
      output.stdout(`Successfully tagged ${tag}\n`);
    }
    records.finish(record, { imageId });
    return imageId;
  } catch (failure) {
    if (!isKind(failure, 'canceled')) records.finish(record, { error: messageOf(failure) });
    throw failure;
  }
}

/** The names that an image gets, each once. @throws invalid in dockerd's words */
export function tagNames(tags: readonly string[]): string[] {
  const references = tags.map((tag) => parseReference(tag));
  if (references.some(({ digest }) => digest !== undefined)) throw failed('build tag cannot contain a digest');
  return [...new Set(references.map((reference) => familiar(withDefaultTag(reference))))];
}
