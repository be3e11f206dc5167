import { canceled } from '../../base/errors.ts';
import type { StepRecord } from '../../protocol/builds.ts';
import { type Dockerfile, parseDockerfile } from '../dockerfile/dockerfile.ts';
import { expandWord } from '../dockerfile/expand.ts';
import { ignoreMatcher } from '../dockerfile/ignore.ts';
import type { Instruction, Stage } from '../dockerfile/instruction.ts';
import { Slots } from '../registry/slots.ts';
import type { ImageRecord } from '../store/contract.ts';
import { baseImage, bring, findImage } from './base-image.ts';
import { BuildArgs } from './build-args.ts';
import { StepCache } from './cache.ts';
import { type BuildContext, readContext } from './context.ts';
import type { BuildOutput, BuildRequest } from './contract.ts';
import { noDockerfile, nothingBuilt } from './errors.ts';
import type { BuilderParts, BuildJob } from './job.ts';
import { OrderedOutput } from './output.ts';
import { parsePlatform, platformArgs } from './platform.ts';
import { remoteContext } from './remote.ts';
import { StageBuild } from './stage.ts';
import { checkName, needsOf, type StageResult, stageAt, stagesUpTo } from './stages.ts';
import { Workspace } from './workspace.ts';

interface Run {
  readonly request: BuildRequest;
  readonly output: BuildOutput;
  readonly signal: AbortSignal;
  record(step: StepRecord): void;
}

/** A build from its context to the image of its last stage. */
export async function runBuild(parts: BuilderParts, run: Run): Promise<string> {
  const { request, signal } = run;
  const workspace = await Workspace.open(parts);
  try {
    const reading = { file: await workspace.spool(), limits: parts.images.limits, signal };
    const context =
      typeof request.context === 'string'
        ? await remoteContext(parts, request.context, { ...reading, dockerfile: request.dockerfile })
        : await readContext(request.context, reading);
    const dockerfile = await dockerfileOf(context, request.dockerfile);
    return await buildStages(parts, { ...run, workspace, context, dockerfile });
  } catch (failure) {
    throw signal.aborted ? canceled('the build') : failure;
  } finally {
    await workspace.remove();
  }
}

async function dockerfileOf(context: BuildContext, asked: string): Promise<Dockerfile> {
  const found = await findDockerfile(context, asked);
  if (found === undefined) throw noDockerfile(asked);
  const dockerfile = parseDockerfile(found.text, found.path);
  const ignored = await context.text('.dockerignore');
  if (ignored !== undefined) {
    // The client sends both although they may be ignored: they were needed until now.
    const isIgnored = ignoreMatcher(ignored);
    for (const path of ['.dockerignore', found.path]) if (isIgnored(path)) context.tree.delete(path);
  }
  return dockerfile;
}

async function findDockerfile(
  context: BuildContext,
  asked: string,
): Promise<{ readonly path: string; readonly text: string } | undefined> {
  for (const path of asked === 'Dockerfile' ? [asked, 'dockerfile'] : [asked]) {
    const text = await context.text(path);
    if (text !== undefined) return { path, text };
  }
  return undefined;
}

async function buildStages(
  parts: BuilderParts,
  run: Run & { readonly workspace: Workspace; readonly context: BuildContext; readonly dockerfile: Dockerfile },
): Promise<string> {
  const { request, output, signal, dockerfile } = run;
  const stages = withLabels(stagesUpTo(dockerfile, request.target), request.labels);
  const { escapeToken, metaArgs } = dockerfile;
  const platform = parsePlatform(request.platform);
  const args = new BuildArgs({ given: request.buildArgs, platform: platformArgs(platform) });
  for (const warning of dockerfile.warnings) output.stderr(`${warning}\n`);
  const steps = metaArgs.length + stages.reduce((sum, { instructions }) => sum + 1 + instructions.length, 0);
  for (const [at, meta] of metaArgs.entries()) {
    output.stdout(`Step ${at + 1}/${steps} : ${meta.original}`);
    output.stdout('\n');
    const variables = args.allowed();
    const expand = (word: string) => expandWord(word, (name) => variables.get(name), escapeToken);
    for (const { name, value } of meta.args) {
      args.declareMeta(expand(name), value === undefined ? undefined : expand(value));
    }
  }
  const { workspace, context, record } = run;
  const job: BuildJob = { parts, request, context, workspace, escapeToken, steps, platform, record };
  const { results, referenced } = await runStages(stages, { job, args, first: metaArgs.length, output, signal });
  const unused = args.unused(new Set([...referenced, ...args.referenced]));
  if (unused.length > 0) {
    output.stdout(`[Warning] One or more build-args [${unused.join(' ')}] were not consumed\n`);
  }
  const imageId = results.at(-1)?.imageId ?? '';
  if (imageId === '') throw nothingBuilt();
  output.stdout(`Successfully built ${imageId.replace(/^sha256:/, '').slice(0, 12)}\n`);
  return imageId;
}

/** The labels that the user gave are instructions at the end. */
function withLabels(stages: readonly Stage[], labels: Readonly<Record<string, string>>): readonly Stage[] {
  const last = stages.at(-1);
  const names = Object.keys(labels).sort();
  if (!last || names.length === 0) return stages;
  const line = last.instructions.at(-1)?.lines ?? last.from.lines;
  const added = names.map((name): Instruction => {
    const value = labels[name] ?? '';
    const literal = (text: string) => `'${text.replaceAll("'", `'"'"'`)}'`;
    const pairs = [{ name: literal(name), value: literal(value) }];
    return { kind: 'label', pairs, original: `LABEL ${name}=${value}`, lines: line };
  });
  return [...stages.slice(0, -1), { ...last, instructions: [...last.instructions, ...added] }];
}

/** Stages of one build at a time: each may run a container, and a Dockerfile may have hundreds. */
const mostStages = 4;

async function runStages(
  stages: readonly Stage[],
  all: {
    readonly job: BuildJob;
    readonly args: BuildArgs;
    readonly first: number;
    readonly output: BuildOutput;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly results: readonly StageResult[]; readonly referenced: ReadonlySet<string> }> {
  const { job, args, output, signal } = all;
  const { parts, request } = job;
  const ordered = new OrderedOutput(output);
  const needs = needsOf(stages, {
    args,
    escapeToken: job.escapeToken,
    triggersOf: (name) => findImage(parts.images, name)?.config.config?.OnBuild ?? [],
  });
  const { cacheFrom } = request;
  const sources = cacheFrom.length === 0 ? undefined : cacheFrom.flatMap((name) => findImage(parts.images, name) ?? []);
  const referenced = new Set<string>();
  const results: StageResult[] = [];
  const stops = stages.map(() => new AbortController());
  const running: Promise<void>[] = [];
  const failures = new Map<number, unknown>();
  const slots = new Slots(mostStages, 'the build');
  let firstStep = all.first;
  for (const [number, stage] of stages.entries()) {
    const step = firstStep;
    firstStep += 1 + stage.instructions.length;
    const lane = ordered.lane();
    const own = args.forStage();
    const stageSignal = AbortSignal.any([signal, ...stops.slice(0, number + 1).map((stop) => stop.signal)]);
    const context = {
      ...{ job, number, firstStep: step, args: own, output: lane, signal: stageSignal },
      cache: new StepCache(parts.images, { isOff: request.noCache, from: sources, signal: stageSignal }),
      stageNamed: (name: string) => {
        const found = stageAt(stages, name, { before: number, numbers: true });
        return found === undefined ? undefined : results[found];
      },
      base: async (from: Stage['from']): Promise<ImageRecord | undefined> => {
        const found = stageAt(stages, expandWord(from.base, args.meta, job.escapeToken), {
          before: number,
          numbers: false,
        });
        const local = found === undefined ? undefined : results[found];
        if (local) return local.imageId === '' ? undefined : parts.images.get(local.imageId);
        return await baseImage(from, { job, args, output: lane, signal: stageSignal });
      },
      image: async (name: string) =>
        await bring(name, { job, output: lane, signal: stageSignal, platform: job.platform }),
    };
    const task = async (): Promise<void> => {
      try {
        await Promise.all([...(needs[number] ?? [])].map((each) => running[each]));
        checkName(stages, number);
        // Only now: a stage that waits for another one keeps no place from it.
        const leave = await slots.take({ signal: stageSignal });
        try {
          results[number] = await new StageBuild(stage, context).run();
        } finally {
          leave();
        }
      } catch (failure) {
        failures.set(number, failure);
        // What comes behind is not to be heard of any more.
        stops[number]?.abort();
        throw failure;
      } finally {
        for (const name of own.referenced) referenced.add(name);
        if (!failures.has(number)) lane.close();
      }
    };
    const done = task();
    done.catch(() => undefined);
    running.push(done);
  }
  await Promise.allSettled(running);
  const [first] = [...failures].sort(([a], [b]) => a - b);
  if (!first) return { results, referenced };
  throw first[1];
}
