import { basename, dirname } from 'node:path';
import { Readable } from 'node:stream';
import {
  commands,
  Diagnostic,
  type DiagnosticCollection,
  DiagnosticSeverity,
  l10n,
  type Memento,
  type OutputChannel,
  Range,
  Uri,
  window,
  workspace,
} from 'vscode';
import { messageOf, PortholeError } from '../../base/errors.ts';
import { BuildFailure, followBuild } from '../build/answers.ts';
import { packContext } from '../build/context.ts';
import { buildArgs, nameFor, type Recipe, recipeOf } from '../build/recipe.ts';
import type { EngineKind, Host } from '../hosts/contract.ts';
import { credentialsFor } from '../registry/credentials.ts';
import { isReference } from '../registry/reference.ts';
import type { Handlers } from './handlers.ts';
import { orLogIn } from './log-in.ts';
import { type Reporter, withProgress } from './progress.ts';
import type { Targets } from './targets.ts';
import { splitWords } from './words.ts';

export interface BuildParts {
  readonly targets: Targets;
  /** What engines say while they build. */
  readonly output: OutputChannel;
  /** Where in a Dockerfile a build failed. */
  readonly problems: DiagnosticCollection;
  /** The names that images of this workspace's Dockerfiles got last. */
  readonly memory: Memento;
}

/** What the user has chosen. */
interface Wanted {
  readonly tag: string;
  readonly target: string | undefined;
  readonly args: Readonly<Record<string, string>>;
}

/** Images from Dockerfiles of this computer. */
export function buildHandlers(parts: BuildParts): Pick<Handlers, 'porthole.image.build'> {
  const { targets, output, problems, memory } = parts;
  return {
    'porthole.image.build': async (item) => {
      const file = item instanceof Uri ? item : await chooseDockerfile();
      if (!file) return;
      if (file.scheme !== 'file')
        throw new PortholeError('unsupported', l10n.t('Images are built from files of this computer.'));
      const { host, engine } = await targets.connectedEngine(item instanceof Uri ? undefined : item);
      await workspace.textDocuments.find(({ uri }) => uri.toString() === file.toString())?.save();
      const recipe = recipeOf(new TextDecoder().decode(await workspace.fs.readFile(file)));
      const wanted = await askFor(file, recipe, { host, memory });
      if (!wanted) return;
      await memory.update(memoryKey(file), wanted.tag);
      problems.delete(file);
      output.clear();
      output.show(true);
      const id = await withProgress(l10n.t('Building {0}', wanted.tag), (reporter) =>
        build({ file, recipe, wanted, host, engine, output }, reporter),
      ).catch(async (failure: unknown) => {
        if (failure instanceof BuildFailure) await mark(file, { failure, recipe, problems });
        return orLogIn(...recipe.bases)(failure);
      });
      const showLayers = l10n.t('Show Layers');
      void window.showInformationMessage(l10n.t('{0} was built.', wanted.tag), showLayers).then((chosen) => {
        if (chosen !== showLayers || id === '') return;
        const row = { type: 'image', ref: { host: host.id, engine, id } };
        void commands.executeCommand('porthole.image.layers', row);
      });
    },
  };
}

const memoryKey = (file: Uri): string => `porthole.build.${file.toString()}`;

/** From those of the workspace, or from the disk. */
async function chooseDockerfile(): Promise<Uri | undefined> {
  const pattern = '**/{Dockerfile,Containerfile,*.Dockerfile,*.dockerfile,Dockerfile.*,Containerfile.*}';
  const found = (await workspace.findFiles(pattern, '**/node_modules/**', 200)).filter(
    ({ path }) => !path.endsWith('.dockerignore'),
  );
  const title = l10n.t('Choose the Dockerfile');
  const rows = found
    .map((uri) => ({ label: workspace.asRelativePath(uri), uri }))
    .sort((a, b) => (a.label < b.label ? -1 : 1));
  const other = { label: l10n.t('Another File…'), uri: undefined };
  const chosen = rows.length > 0 ? await window.showQuickPick([...rows, other], { title }) : other;
  if (!chosen || chosen.uri) return chosen?.uri;
  return (await window.showOpenDialog({ title }))?.[0];
}

async function askFor(
  file: Uri,
  recipe: Recipe,
  { host, memory }: { host: Host; memory: Memento },
): Promise<Wanted | undefined> {
  const tag = await window.showInputBox({
    title: l10n.t('Name of the image on {0}', host.label),
    value: memory.get<string>(memoryKey(file)) ?? nameFor(basename(dirname(file.fsPath))),
    validateInput: (value) => (isReference(value) ? undefined : l10n.t('A name with an optional :tag')),
  });
  if (!tag) return undefined;
  const all = { label: l10n.t('The whole Dockerfile'), target: undefined };
  const stages = recipe.stages.map((target) => ({ label: target, target }));
  const stage =
    stages.length === 0 ? all : await window.showQuickPick([all, ...stages], { title: l10n.t('Up to which stage?') });
  if (!stage) return undefined;
  const line =
    recipe.args.length === 0
      ? ''
      : await window.showInputBox({
          title: l10n.t('Build arguments'),
          placeHolder: recipe.args.map((name) => `${name}=…`).join(' '),
          prompt: l10n.t('NAME=value, separated by blanks; empty for what the Dockerfile says.'),
        });
  if (line === undefined) return undefined;
  return { tag: tag.trim(), target: stage.target, args: buildArgs(splitWords(line), process.env) };
}

interface Building {
  readonly file: Uri;
  readonly recipe: Recipe;
  readonly wanted: Wanted;
  readonly host: Host;
  readonly engine: EngineKind;
  readonly output: OutputChannel;
}

/** The id of the image. An engine whose client goes away ends the build and keeps nothing of the step under way. */
async function build(of: Building, { signal, say }: Reporter): Promise<string> {
  const { file, recipe, wanted, host, engine, output } = of;
  const context = Readable.from(await packContext(file.fsPath));
  const broken = new AbortController();
  // Nobody would hear the engine while it waits for the rest of a context that cannot be read.
  context.once('error', (failure) => broken.abort(failure));
  try {
    const answer = await host.engine(engine).buildImage(context, {
      t: wanted.tag,
      dockerfile: basename(file.fsPath),
      rm: true,
      ...(wanted.target !== undefined && { target: wanted.target }),
      buildargs: { ...wanted.args },
      registryconfig: await credentialsOf(recipe, signal),
      abortSignal: AbortSignal.any([signal, broken.signal]),
    });
    return await followBuild(answer, { say: (text) => output.append(text), step: say });
  } catch (failure) {
    if (!broken.signal.aborted) throw failure;
    const reason = messageOf(broken.signal.reason);
    throw new PortholeError('invalid', l10n.t('The build context cannot be read: {0}', reason), { cause: failure });
  } finally {
    context.destroy();
  }
}

/** What `docker login` has kept for the registries that the Dockerfile's bases are of. */
async function credentialsOf({ bases }: Recipe, signal: AbortSignal) {
  const found: Record<string, { username: string; password: string }> = {};
  for (const base of bases) {
    const one = await credentialsFor(base, { signal });
    if (one && 'username' in one) found[one.serveraddress] = { username: one.username, password: one.password };
  }
  return found;
}

/** Shows the line that failed: the engine says which, or the last step that it began is it. */
async function mark(
  file: Uri,
  { failure, recipe, problems }: { failure: BuildFailure; recipe: Recipe; problems: DiagnosticCollection },
): Promise<void> {
  const lines = failure.lines ?? (failure.step === undefined ? undefined : recipe.steps[failure.step - 1]);
  if (!lines) return;
  const range = new Range(lines.start - 1, 0, lines.end - 1, Number.MAX_SAFE_INTEGER);
  const diagnostic = new Diagnostic(range, failure.message, DiagnosticSeverity.Error);
  diagnostic.source = 'Porthole';
  problems.set(file, [diagnostic]);
  await window.showTextDocument(file, { selection: new Range(range.start, range.start), preview: true });
}
