import { randomBytes } from 'node:crypto';
import type { StepRecord } from '../../protocol/builds.ts';
import type { Instruction, InstructionOf, Stage } from '../dockerfile/instruction.ts';
import { triggerOf } from '../dockerfile/instructions.ts';
import type { ImageRecord } from '../store/contract.ts';
import type { BuildArgs } from './build-args.ts';
import type { StepCache } from './cache.ts';
import { commitStep } from './commit.ts';
import { changeConfig, workingDirectory } from './config-steps.ts';
import type { BuildOutput } from './contract.ts';
import { makeDirectories } from './copy-files.ts';
import { copyStep } from './copy-step.ts';
import { failed, StepFailure } from './errors.ts';
import { expansionOf } from './expansion.ts';
import type { BuildJob } from './job.ts';
import { type BuildConfig, commandLine, firstConfig, shellOf } from './run-config.ts';
import { runCommand } from './run-step.ts';
import { openStack } from './stack.ts';
import type { StageResult } from './stages.ts';
import { removeContainer } from './workspace.ts';

/** What is given to a stage when its turn has come. */
export interface StageContext {
  readonly job: BuildJob;
  readonly number: number;
  /** Steps before it. */
  readonly firstStep: number;
  readonly args: BuildArgs;
  readonly cache: StepCache;
  readonly output: BuildOutput;
  readonly signal: AbortSignal;
  /** A stage before this one, by name or number. @throws invalid in dockerd's words */
  stageNamed(name: string): StageResult | undefined;
  base(from: Stage['from']): Promise<ImageRecord | undefined>;
  /** An image by its name, brought when it is not here. */
  image(name: string): Promise<ImageRecord>;
}

/** One stage on its way from FROM to its image. */
export class StageBuild {
  readonly #stage: Stage;
  readonly #context: StageContext;
  #image: ImageRecord | undefined;
  #config: BuildConfig = {};
  #hasCommand = false;
  #author = '';
  /** Containers of the present step. */
  #containers: string[] = [];
  #step: number;

  constructor(stage: Stage, context: StageContext) {
    this.#stage = stage;
    this.#context = context;
    this.#step = context.firstStep;
  }

  async run(): Promise<StageResult> {
    const { output } = this.#context;
    await this.#doStep(this.#stage.from, async () => {
      await this.#begin();
    });
    for (const instruction of this.#stage.instructions) {
      await this.#doStep(instruction, async () => this.#dispatch(instruction));
    }
    if (this.#image) output.image(this.#image.id);
    return { imageId: this.#image?.id ?? '', config: this.#config };
  }

  async #doStep(instruction: Pick<Instruction, 'original' | 'lines'>, task: () => Promise<void>): Promise<void> {
    const { output, job, signal, number } = this.#context;
    const step = ++this.#step;
    signal.throwIfAborted();
    output.stdout(`Step ${step}/${job.steps} : ${instruction.original}`);
    output.stdout('\n');
    const before = this.#image;
    const started = Date.now();
    try {
      await task();
    } catch (failure) {
      if (signal.aborted || !(failure instanceof Error)) throw failure;
      throw new StepFailure(failure, { lines: instruction.lines, step });
    }
    output.stdout(` ---> ${shortId(this.#image?.id ?? '')}\n`);
    const { name } = this.#stage.from;
    job.record({
      stage: number,
      ...(name !== undefined && { stageName: name }),
      step,
      instruction: instruction.original,
      lines: instruction.lines,
      imageId: this.#image?.id ?? '',
      ...this.#layerMade(before),
      started: new Date(started).toISOString(),
      milliseconds: Date.now() - started,
      cached: this.#wasCached,
    });
  }

  #wasCached = false;

  #layerMade(before: ImageRecord | undefined): Pick<StepRecord, 'layer'> {
    const now = this.#image?.config.rootfs.diff_ids ?? [];
    const diffId = now.at(-1);
    if (!this.#image || diffId === undefined || now.length === (before?.config.rootfs.diff_ids.length ?? 0)) return {};
    const chainId = this.#context.job.parts.images.layers(this.#image.id).at(-1)?.chainId ?? diffId;
    return { layer: { chainId, diffId } };
  }

  async #begin(): Promise<void> {
    this.#wasCached = false;
    this.#image = await this.#context.base(this.#stage.from);
    this.#config = this.#named(firstConfig(this.#image?.config.config));
    const { OnBuild, ...config } = this.#config;
    if (!OnBuild?.length) return;
    this.#config = config;
    const plural = OnBuild.length > 1 ? 's' : '';
    this.#context.output.stdout(`# Executing ${OnBuild.length} build trigger${plural}`);
    this.#context.output.stdout('\n');
    for (const trigger of OnBuild) await this.#dispatch(triggerOf(trigger));
  }

  /** A config says which image it is of. */
  #named(config: BuildConfig): BuildConfig {
    const { Image: _, ...rest } = config;
    return this.#image ? { ...rest, Image: this.#image.id } : rest;
  }

  async #dispatch(instruction: Instruction): Promise<void> {
    const { job } = this.#context;
    this.#wasCached = false;
    this.#containers = [];
    let isDone = false;
    try {
      await this.#carryOut(instruction);
      isDone = true;
    } finally {
      const keep = !job.request.forceRemove && !(job.request.remove && isDone);
      for (const id of this.#containers) await this.#letGo(id, { keep });
    }
    this.#config = this.#named(this.#config);
  }

  async #letGo(id: string, { keep }: { readonly keep: boolean }): Promise<void> {
    const { job, output } = this.#context;
    if (!keep) {
      await removeContainer(job.parts.containers, id);
      output.stdout(`Removing intermediate container ${shortId(id)}\n`);
    }
    await job.workspace.forget(id);
  }

  async #carryOut(instruction: Instruction): Promise<void> {
    const { args, job } = this.#context;
    const expand = expansionOf({ env: this.#config.Env ?? [], args, escapeToken: job.escapeToken });
    switch (instruction.kind) {
      case 'from':
        throw failed('FROM is no step of a stage');
      case 'run':
        return this.#run(instruction);
      case 'copy':
      case 'add': {
        const made = await copyStep(instruction, {
          stage: this.#context,
          image: this.#image,
          config: this.#config,
          author: this.#author,
          expand,
        });
        this.#wasCached = made.isCached;
        this.#image = made.image;
        return;
      }
      case 'workdir':
        return this.#workdir(expand.one(instruction.text));
      case 'arg': {
        const pairs = instruction.args.map(({ name, value }) => ({
          name: expand.one(name),
          value: value === undefined ? undefined : expand.one(value),
        }));
        for (const { name, value } of pairs) args.declare(name, value);
        const shown = pairs.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`));
        return this.#commitConfig(`ARG ${shown.join(' ')}`);
      }
      case 'maintainer':
        this.#author = instruction.text;
        return this.#commitConfig(`MAINTAINER ${instruction.text}`);
      default: {
        const { config, comment, note } = changeConfig(instruction, {
          config: this.#config,
          hasCommand: this.#hasCommand,
          expand,
        });
        if (note !== undefined) this.#context.output.stdout(note);
        this.#config = config;
        await this.#commitConfig(comment);
        if (instruction.kind === 'cmd' && instruction.command.length > 0) this.#hasCommand = true;
      }
    }
  }

  /** A step that changes nothing but the config. dockerd makes a container for it all the same, and says so. */
  async #commitConfig(comment: string): Promise<void> {
    const key = this.#key(['#(nop) ', comment]);
    if (await this.#fromCache(key)) return;
    const containerId = randomBytes(32).toString('hex');
    const { output, job } = this.#context;
    output.stdout(` ---> Running in ${shortId(containerId)}\n`);
    await this.#commit({ key, containerId });
    if (job.request.remove || job.request.forceRemove) {
      output.stdout(`Removing intermediate container ${shortId(containerId)}\n`);
    }
  }

  #key(command: readonly string[]): { parentId: string; config: BuildConfig } {
    return {
      parentId: this.#image?.id ?? '',
      config: { ...this.#config, Cmd: [...shellOf(this.#config), ...command] },
    };
  }

  async #fromCache(key: { parentId: string; config: BuildConfig }): Promise<boolean> {
    const found = await this.#context.cache.find(key);
    if (!found) return false;
    this.#context.output.stdout(' ---> Using cache\n');
    this.#image = found;
    this.#wasCached = true;
    return true;
  }

  async #commit(made: {
    readonly key: { parentId: string; config: BuildConfig };
    readonly containerId: string;
    readonly upper?: string;
  }): Promise<void> {
    const { job, signal } = this.#context;
    this.#image = await commitStep(job.parts, {
      ...made,
      config: this.#config,
      author: this.#author,
      platform: job.platform,
      signal,
    });
  }

  async #workdir(asked: string): Promise<void> {
    const WorkingDir = workingDirectory(this.#config.WorkingDir ?? '', asked);
    this.#config = { ...this.#config, WorkingDir };
    const key = this.#key([`#(nop) WORKDIR ${WorkingDir}`]);
    if (await this.#fromCache(key)) return;
    const { job, output, signal } = this.#context;
    const containerId = randomBytes(32).toString('hex');
    await job.workspace.layer(async (directories) => {
      const root = await openStack(job, { image: this.#image, directories, signal });
      try {
        const path = await root.resolve(WorkingDir);
        const there = await root.status(path);
        if (there && there.type !== 'directory') throw failed(`Cannot mkdir: ${WorkingDir} is not a directory`);
        await makeDirectories(root, path, { uid: 0, gid: 0 });
      } finally {
        await root.close();
      }
      output.stdout(` ---> Running in ${shortId(containerId)}\n`);
      await this.#commit({ key, containerId, upper: directories.upper });
    });
    if (job.request.remove || job.request.forceRemove) {
      output.stdout(`Removing intermediate container ${shortId(containerId)}\n`);
    }
  }

  async #run(instruction: InstructionOf<'run'>): Promise<void> {
    const { args, job, output, signal } = this.#context;
    if (instruction.flag !== undefined) throw needsBuildKit(instruction.flag);
    const command = commandLine(this.#config, withHeredocs(instruction));
    const given = args.beside(this.#config.Env ?? []);
    const told = given.filter((line) => args.isReferencedOrNotBuiltin(line.split('=', 1)[0] ?? '')).sort();
    const shown = given.length > 0 ? [`|${told.length}`, ...told, ...command] : command;
    const key = { parentId: this.#image?.id ?? '', config: { ...this.#config, Cmd: shown } };
    const probe = { ...key, config: withoutEntrypoint(key.config) };
    if (await this.#fromCache(probe)) return;
    if (!this.#image) throw failed('there is nothing to run a command in: the stage has no files yet');
    let containerId = '';
    const { Healthcheck: _, OnBuild: _triggers, ...config } = this.#config;
    await runCommand(
      { containers: job.parts.containers, workspace: job.workspace },
      {
        config: {
          ...mutable(config),
          Image: this.#image.id,
          Cmd: [...command],
          Env: [...(config.Env ?? []), ...given],
          Entrypoint: [''],
          Healthcheck: { Test: ['NONE'] },
        },
        hostConfig: { ...job.request.hostConfig, LogConfig: { Type: 'none', Config: {} } },
        output,
        signal,
        command,
      },
      (id) => {
        containerId = id;
        this.#containers.push(id);
      },
    );
    await this.#commit({
      key: probe,
      containerId,
      upper: job.parts.containers.upper(containerId),
    });
  }
}

const shortId = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);

const needsBuildKit = (flag: string) =>
  failed(
    `the --${flag} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled`,
  );

function withoutEntrypoint({ Entrypoint: _, ...config }: BuildConfig): BuildConfig {
  return config;
}

/** A script in a here-document by itself is the command; else the shell reads it as it is written. */
function withHeredocs(instruction: InstructionOf<'run'>): InstructionOf<'run'> {
  const { heredocs, command } = instruction;
  if (heredocs.length === 0) return instruction;
  const [only] = heredocs;
  const isAlone = heredocs.length === 1 && /^<<-?\S+$/.test(command.join(' ').trim());
  if (only && isAlone) {
    // With a shebang line it needs a file, which a shell can make of itself.
    if (only.content.startsWith('#!')) return { ...instruction, command: [scriptOf(only.content)] };
    return { ...instruction, command: [only.content] };
  }
  const documents = heredocs.map(({ name, content }) => `${content}${name}\n`).join('');
  return { ...instruction, command: [`${command.join(' ')}\n${documents}`] };
}

function scriptOf(content: string): string {
  const end = `EOF_${randomBytes(4).toString('hex')}`;
  return `f=$(mktemp) && cat >"$f" <<'${end}' && chmod +x "$f" && "$f"; s=$?; rm -f "$f"; exit $s\n${content}${end}\n`;
}

/** Lists and sets that others may change. */
function mutable(config: BuildConfig) {
  const { ExposedPorts, Volumes, Env, Labels, Shell, User, WorkingDir, StopSignal } = config;
  const set = (found: Readonly<Record<string, object>>) =>
    Object.fromEntries(Object.keys(found).map((name) => [name, {}]));
  return {
    ...(User !== undefined && { User }),
    ...(WorkingDir !== undefined && { WorkingDir }),
    ...(StopSignal !== undefined && { StopSignal }),
    ...(ExposedPorts && { ExposedPorts: set(ExposedPorts) }),
    ...(Volumes && { Volumes: set(Volumes) }),
    ...(Labels && { Labels: { ...Labels } }),
    ...(Shell && { Shell: [...Shell] }),
    Env: [...(Env ?? [])],
  };
}
