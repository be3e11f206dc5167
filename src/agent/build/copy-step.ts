import type { InstructionOf } from '../dockerfile/instruction.ts';
import type { ImageRecord } from '../store/contract.ts';
import { commitStep } from './commit.ts';
import { copyInto } from './copy-files.ts';
import { type CopySource, hashOf, sourcesAt } from './copy-sources.ts';
import { download, isAddress } from './download.ts';
import { failed, wrapped } from './errors.ts';
import type { expansionOf } from './expansion.ts';
import { heredocSource } from './heredoc-source.ts';
import { imageTree } from './image-source.ts';
import { ownerIn } from './owners.ts';
import { type BuildConfig, shellOf } from './run-config.ts';
import { SourceTree } from './source-tree.ts';
import { openStack } from './stack.ts';
import type { StageContext } from './stage.ts';

interface At {
  readonly stage: StageContext;
  readonly image: ImageRecord | undefined;
  readonly config: BuildConfig;
  readonly author: string;
  readonly expand: ReturnType<typeof expansionOf>;
}

type Instruction = InstructionOf<'copy' | 'add'>;

/** COPY or ADD: the image from the cache, else one with the files in it. */
export async function copyStep(
  written: Instruction,
  at: At,
): Promise<{ readonly image: ImageRecord; readonly isCached: boolean }> {
  const { stage, config, image, author } = at;
  const { job, signal, output } = stage;
  const instruction = expanded(written, at);
  const name = instruction.kind.toUpperCase();
  const sources = await sourcesOf(instruction, at);
  if (sources.length > 1 && !instruction.destination.endsWith('/')) {
    throw failed(
      `When using ${name} with more than one source file, the destination must be a directory and end with a /`,
    );
  }
  const chown = instruction.chown === undefined ? '' : `--chown=${instruction.chown} `;
  const chmod = instruction.chmod === undefined ? '' : `--chmod=${instruction.chmod} `;
  const comment = `#(nop) ${name} ${chown.trimEnd()}${chmod}${hashOf(sources)} in ${instruction.destination} `;
  const key = { parentId: image?.id ?? '', config: { ...config, Cmd: [...shellOf(config), comment] } };
  const cached = await stage.cache.find(key);
  if (cached) {
    output.stdout(' ---> Using cache\n');
    return { image: cached, isCached: true };
  }
  const mode = modeOf(instruction.chmod);
  const made = await job.workspace.layer(async (directories) => {
    const root = await openStack(job, { image, directories, signal });
    try {
      const keepsOwners = instruction.from !== undefined && instruction.chown === undefined;
      const owner = instruction.chown === undefined ? { uid: 0, gid: 0 } : await ownerIn(root, instruction.chown);
      await copyInto(root, sources, {
        destination: absolute(config.WorkingDir ?? '', instruction.destination),
        owner: keepsOwners ? undefined : owner,
        mode,
        unpacks: instruction.kind === 'add',
        limits: job.parts.images.limits,
      });
    } finally {
      await root.close();
    }
    const { upper } = directories;
    const { platform } = job;
    return await commitStep(job.parts, { key, config, author, containerId: '', upper, platform, signal });
  });
  return { image: made, isCached: false };
}

function expanded(instruction: Instruction, { expand }: At): Instruction {
  const { chown, chmod } = instruction;
  return {
    ...instruction,
    sources: instruction.sources.map(expand.one),
    destination: expand.one(instruction.destination),
    ...(chown !== undefined && { chown: expand.one(chown) }),
    ...(chmod !== undefined && { chmod: expand.one(chmod) }),
  };
}

async function sourcesOf(instruction: Instruction, { stage, expand }: At): Promise<CopySource[]> {
  const tree = instruction.from === undefined ? stage.job.context.tree : await treeOf(instruction.from, stage);
  const found: CopySource[] = [];
  try {
    for (const source of instruction.sources) {
      const heredoc = heredocSource(source, instruction.heredocs, expand.text);
      if (heredoc) found.push(heredoc);
      else if (isAddress(source)) found.push(await downloaded(instruction, source, stage));
      else found.push(...(await sourcesAt(tree, source)));
    }
    hashOf(found);
  } catch (failure) {
    throw wrapped(`${instruction.kind.toUpperCase()} failed`, failure);
  }
  return found;
}

async function downloaded(instruction: Instruction, source: string, stage: StageContext): Promise<CopySource> {
  if (instruction.kind === 'copy') throw failed("source can't be a URL for COPY");
  const { destination, checksum } = instruction;
  return await download(source, { destination, checksum, stage });
}

/** The files of a stage or an image. */
async function treeOf(name: string, stage: StageContext): Promise<SourceTree> {
  const { images } = stage.job.parts;
  try {
    const result = stage.stageNamed(name);
    if (result?.imageId === '') return new SourceTree();
    return await imageTree(images, result?.imageId ?? (await stage.image(name)).id);
  } catch (failure) {
    throw wrapped(`invalid from flag value ${name}`, failure);
  }
}

/** @throws invalid */
function modeOf(chmod: string | undefined): number | undefined {
  if (chmod === undefined) return undefined;
  if (/^[0-7]{1,5}$/.test(chmod) && Number.parseInt(chmod, 8) <= 0o7777) return Number.parseInt(chmod, 8);
  throw failed(`Error parsing chmod parameter: ${chmod}`);
}

/** With the slash at its end that it was asked with. */
function absolute(workingDir: string, destination: string): string {
  if (destination.startsWith('/')) return destination;
  return `/${workingDir}/${destination}`;
}
