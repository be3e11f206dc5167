import type Dockerode from 'dockerode';
import * as v from 'valibot';
import { commands, env, l10n, type SecretStorage, ThemeIcon, window } from 'vscode';
import { advised, type NextStep, orOffer } from '../advice.ts';
import { checked } from '../checked.ts';
import type { PortholeFiles } from '../editors/file-system.ts';
import { type Fleet, findEngine, type ImageView, imageName } from '../fleet.ts';
import type { EngineKind, Host } from '../hosts/contract.ts';
import { engineStatus, explain } from '../problems.ts';
import { pulledName, pullImage } from '../registry/pull.ts';
import { EngineTerminal } from '../terminal/engine-terminal.ts';
import { containerProgram } from '../terminal/programs.ts';
import { engineOf } from './engine-of.ts';
import type { Handlers } from './handlers.ts';
import { orLogIn } from './log-in.ts';
import { withProgress } from './progress.ts';
import { askOne } from './run/boxes.ts';
import { createOptions, plainRun, type RunChoices, readChoices } from './run/choices.ts';
import { type RunSubject, runSteps } from './run/steps.ts';
import { type Place, type Turn, walk } from './run/walk.ts';
import { runLine } from './run-line.ts';
import type { Targets } from './targets.ts';
import { splitWords } from './words.ts';

export interface RunParts {
  readonly fleet: Fleet;
  readonly targets: Targets;
  readonly files: PortholeFiles;
  /** Keeps what was chosen last for each image: passwords are among variables. */
  readonly secrets: SecretStorage;
}

/** What is run where; the image by the name that the user knows it by. */
interface Wanted {
  readonly host: Host;
  readonly engine: EngineKind;
  readonly image: string;
}

const Planned = v.object({ text: v.string(), warnings: v.array(v.string()) });

/** Containers made from images: at once, in a terminal, and with everything chosen one by one. */
export function runHandlers(parts: RunParts): Pick<Handlers, `porthole.image.${'run' | 'runInteractive' | 'runWith'}`> {
  const { fleet, targets } = parts;
  const runner = new Runner(parts);
  return {
    'porthole.image.run': async (item) => {
      const image = await targets.image('porthole.image.run', item);
      if (!image) return;
      await withProgress(l10n.t('Running {0}', imageName(image)), async ({ signal }) => {
        const container = await engineOf(fleet, image).createContainer({
          Image: reference(image),
          abortSignal: signal,
        });
        await container.start();
      }).catch(
        orOffer(l10n.t('Run with Options…'), () => commands.executeCommand('porthole.image.runWith', rowOf(image))),
      );
    },

    'porthole.image.runInteractive': async (item) => {
      const image = await targets.image('porthole.image.runInteractive', item);
      if (!image) return;
      const line = await window.showInputBox({
        title: l10n.t('Run {0} in a terminal', imageName(image)),
        prompt: l10n.t(
          'The program with its arguments; empty for what the image names. Words in quotes stay together.',
        ),
      });
      if (line === undefined) return;
      const choices = { ...plainRun, interactive: true, command: splitWords(line) };
      const container = await withProgress(l10n.t('Running {0}', imageName(image)), ({ signal }) =>
        engineOf(fleet, image).createContainer({ ...createOptions(reference(image), choices), abortSignal: signal }),
      );
      openTerminal(container, imageName(image));
    },

    'porthole.image.runWith': async (item) => {
      const wanted = await targets.runnable(item);
      if (wanted) await runner.ask(wanted);
    },
  };
}

/** Asks for everything, remembers it, carries it out, and knows the way on when that fails. */
class Runner {
  readonly #parts: RunParts;

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  /** @param begin what the questions begin with; default: what was chosen last for this image */
  async ask(wanted: Wanted, begin?: RunChoices): Promise<void> {
    const { secrets } = this.#parts;
    const { image } = wanted;
    const about = await withProgress(l10n.t('Reading {0}', image), () =>
      clientOf(wanted).getImage(image).inspect(),
    ).catch((failure: unknown) => {
      throw advised(failure, (refusal) => (refusal?.kind === 'no-image' ? [this.#pull(wanted)] : []));
    });
    const key = `porthole.run:${image}`;
    const steps = runSteps(this.#subject(wanted, about));
    const choices = await walk(steps, begin ?? readChoices(await secrets.get(key)) ?? plainRun);
    if (!choices) return;
    // A name that stays behind would be taken the next time.
    await secrets.store(key, JSON.stringify({ ...choices, name: choices.autoRemove ? choices.name : '' }));
    await this.#carryOut(wanted, choices);
  }

  async #carryOut(wanted: Wanted, choices: RunChoices): Promise<void> {
    const title = l10n.t('Running {0}', wanted.image);
    try {
      const container = await withProgress(title, ({ signal }) =>
        clientOf(wanted).createContainer({ ...createOptions(wanted.image, choices), abortSignal: signal }),
      );
      if (choices.interactive) openTerminal(container, choices.name || wanted.image);
      else await withProgress(title, () => startOrRemove(container));
    } catch (failure) {
      const change = { title: l10n.t('Change What Was Chosen'), run: () => this.ask(wanted, choices) };
      throw advised(failure, (refusal) =>
        refusal?.kind === 'name-taken' ? this.#aboutName(wanted, { choices, ...refusal }) : [change],
      );
    }
  }

  #aboutName(
    wanted: Wanted,
    { choices, name, holder }: { choices: RunChoices; name: string; holder: string },
  ): readonly NextStep[] {
    const { host, engine } = wanted;
    const remove = async () => {
      await commands.executeCommand('porthole.container.remove', {
        type: 'container',
        ref: { host: host.id, engine, id: holder },
      });
      const isGone = await clientOf(wanted)
        .getContainer(holder)
        .inspect()
        .then(
          () => false,
          (failure) => engineStatus(failure) === 404,
        );
      if (isGone) await this.#carryOut(wanted, choices);
    };
    return [
      { title: l10n.t('Remove {0}…', name), run: remove },
      { title: l10n.t('Choose Another Name'), run: () => this.ask(wanted, { ...choices, name: '' }) },
    ];
  }

  #pull(wanted: Wanted): NextStep {
    const reference = pulledName(wanted.image);
    return {
      title: l10n.t('Pull {0}', reference),
      run: async () => {
        await withProgress(l10n.t('Pulling {0}', reference), (reporter) =>
          pullImage(clientOf(wanted), reference, reporter),
        ).catch(orLogIn(reference));
        await this.ask(wanted);
      },
    };
  }

  #subject(wanted: Wanted, about: Dockerode.ImageInspectInfo): RunSubject {
    const { host, engine, image } = wanted;
    const view = findEngine(this.#parts.fleet, { host: host.id, engine });
    const { Cmd, Entrypoint, Env, User, WorkingDir, ExposedPorts } = about.Config;
    const entrypoint = typeof Entrypoint === 'string' ? [Entrypoint] : (Entrypoint ?? []);
    return {
      image,
      engine,
      command: [...entrypoint, ...(Cmd ?? [])],
      env: Env ?? [],
      user: User ?? '',
      directory: WorkingDir ?? '',
      ports: Object.keys(ExposedPorts ?? {}),
      volumes: (view?.volumes ?? []).filter(({ anonymous }) => !anonymous).map(({ id }) => id),
      containers: (view?.containers ?? []).filter(({ state }) => state === 'running').map(({ name }) => name),
      review: (choices, place) => this.#review(wanted, about, { choices, place }),
    };
  }

  async #review(
    wanted: Wanted,
    about: Dockerode.ImageInspectInfo,
    { choices, place }: { choices: RunChoices; place: Place },
  ): Promise<Turn<RunChoices>> {
    const { name: Name = '', HostConfig = {}, Image = '', ...Config } = createOptions(wanted.image, choices);
    const line = runLine({ Name, Config: { ...Config, Image }, HostConfig }, about, { detached: !choices.interactive });
    const run = { label: l10n.t('Run it'), detail: line };
    const plan = { label: l10n.t('Show what is going to happen'), description: l10n.t('the plan, step by step') };
    const copy = { label: l10n.t('Copy the docker run line') };
    const rows = [run, ...(wanted.engine === 'porthole' ? [plan] : []), copy];
    for (;;) {
      const title = l10n.t('Run {0}', wanted.image);
      const answer = await askOne({ title, place }, rows, {
        placeholder: l10n.t('This is what was chosen'),
        active: run,
      });
      if (answer.to !== 'next') return answer;
      if (answer.value === run) return { to: 'next', state: choices };
      if (answer.value === copy) await env.clipboard.writeText(line);
      else await this.#showPlan(wanted, { choices, line }).catch(told);
    }
  }

  async #showPlan({ host, image }: Wanted, { choices, line }: { choices: RunChoices; line: string }): Promise<void> {
    const { name = '', ...question } = createOptions(image, choices);
    const path = `/containers/plan?name=${encodeURIComponent(name)}`;
    const { text, warnings } = checked(Planned, await host.porthole(path, { question }));
    const head = [line, ...warnings].map((words) => `# ${words}\n`).join('');
    const uri = this.#parts.files.keep(`/${l10n.t('Plan')}.txt`, `${head}\n${text}\n`);
    await window.showTextDocument(uri, { preview: true, preserveFocus: true });
  }
}

/** The question stays open: the message is not waited for. */
const told = (failure: unknown): void => void window.showErrorMessage(explain(failure));

const clientOf = ({ host, engine }: Wanted): Dockerode => host.engine(engine);

const rowOf = (image: ImageView) => ({ type: 'image', ref: image });

/** By name where it has one, so that the container says which image it is of in the user's words. */
const reference = (image: ImageView): string => image.tags[0] ?? image.id;

function openTerminal(container: Dockerode.Container, name: string): void {
  const pty = new EngineTerminal(containerProgram(container));
  window.createTerminal({ name, iconPath: new ThemeIcon('terminal'), pty }).show();
}

/** One that does not start leaves nothing behind: it is about to be made again, otherwise. */
async function startOrRemove(container: Dockerode.Container): Promise<void> {
  try {
    await container.start();
  } catch (failure) {
    await container.remove({ force: true, v: true }).catch(() => undefined);
    throw failure;
  }
}
