import type Dockerode from 'dockerode';
import { env, l10n, type QuickPickItem, ThemeIcon, window } from 'vscode';
import { formatMemory, formatSize } from '../../base/units.ts';
import { type ContainerView, type Fleet, findEngine, imageName } from '../fleet.ts';
import { isReference, splitReference } from '../registry/reference.ts';
import { EngineTerminal } from '../terminal/engine-terminal.ts';
import { attachedProgram, execProgram } from '../terminal/programs.ts';
import { pickShell } from '../terminal/shells.ts';
import { parseCount, parseCpus, parseMemory } from '../typed-limits.ts';
import { engineOf } from './engine-of.ts';
import type { Handlers } from './handlers.ts';
import { withProgress } from './progress.ts';
import { runLine } from './run-line.ts';
import type { Targets } from './targets.ts';
import { splitWords } from './words.ts';

type EditHandlers = Pick<
  Handlers,
  | 'porthole.container.attach'
  | 'porthole.container.execWith'
  | 'porthole.container.killWith'
  | 'porthole.container.update'
  | 'porthole.container.commit'
  | 'porthole.container.copyRunLine'
  | 'porthole.container.prune'
  | 'porthole.image.prune'
>;

/** Signals that people send, with what programs make of them; others are typed. */
const signals = () => [
  { label: 'SIGTERM', description: l10n.t('asks it to end') },
  { label: 'SIGKILL', description: l10n.t('ends it at once, unasked') },
  { label: 'SIGINT', description: l10n.t('as Ctrl-C does') },
  { label: 'SIGHUP', description: l10n.t('many services read their settings again') },
  { label: 'SIGQUIT', description: l10n.t('many programs say where they are, and end') },
  { label: 'SIGUSR1', description: l10n.t('what the program makes of it') },
  { label: 'SIGUSR2', description: l10n.t('what the program makes of it') },
];

export function editHandlers({ fleet, targets }: { fleet: Fleet; targets: Targets }): EditHandlers {
  const handleOf = (container: ContainerView) => engineOf(fleet, container).getContainer(container.id);

  return {
    'porthole.container.attach': async (item) => {
      const container = await targets.container('porthole.container.attach', item);
      if (!container) return;
      window
        .createTerminal({
          name: l10n.t('Attached: {0}', container.name),
          iconPath: new ThemeIcon('plug'),
          pty: new EngineTerminal(attachedProgram(handleOf(container))),
        })
        .show();
    },

    'porthole.container.execWith': async (item) => {
      const container = await targets.container('porthole.container.execWith', item);
      if (!container) return;
      const shell = await withProgress(l10n.t('Looking for a shell in {0}', container.name), () =>
        pickShell(handleOf(container)),
      );
      const line = await window.showInputBox({
        title: l10n.t('Which program shall run in {0}?', container.name),
        prompt: l10n.t('Words in quotes stay together.'),
        value: shell?.join(' ') ?? '',
      });
      const argv = splitWords(line ?? '');
      if (argv.length === 0) return;
      const user = await window.showInputBox({
        title: l10n.t('As which user?'),
        prompt: l10n.t('A name or a number, with :group if wanted; empty for the container’s own.'),
      });
      if (user === undefined) return;
      const directory = await window.showInputBox({
        title: l10n.t('In which directory?'),
        prompt: l10n.t('Empty for the container’s own.'),
        validateInput: (value) =>
          value === '' || value.startsWith('/') ? undefined : l10n.t('A path that begins with /'),
      });
      if (directory === undefined) return;
      const program = execProgram(handleOf(container), argv, { user, directory });
      window
        .createTerminal({
          name: `${container.name}: ${argv.join(' ')}`,
          iconPath: new ThemeIcon('terminal'),
          pty: new EngineTerminal(program),
        })
        .show();
    },

    'porthole.container.killWith': async (item) => {
      const container = await targets.container('porthole.container.killWith', item);
      if (!container) return;
      const signal = await window.showQuickPick(signals(), {
        title: l10n.t('Send a signal to the initial process of {0}', container.name),
        matchOnDescription: true,
      });
      if (!signal) return;
      await withProgress(l10n.t('Killing {0}', container.name), ({ signal: abortSignal }) =>
        handleOf(container).kill({ signal: signal.label, abortSignal }),
      );
    },

    'porthole.container.update': async (item) => {
      const container = await targets.container('porthole.container.update', item);
      if (!container) return;
      const handle = handleOf(container);
      const { HostConfig: now } = await handle.inspect();
      const limit = await pickLimit(container, now);
      if (!limit) return;
      const typed = await window.showInputBox({
        title: l10n.t('{0} of {1}', limit.label, container.name),
        prompt: limit.prompt,
        value: limit.value,
        validateInput: (value) => (limit.parse(value) === undefined ? limit.prompt : undefined),
      });
      const amount = typed === undefined ? undefined : limit.parse(typed);
      if (amount === undefined) return;
      await withProgress(l10n.t('Changing limits of {0}', container.name), () => handle.update(limit.body(amount)));
    },

    'porthole.container.commit': async (item) => {
      const container = await targets.container('porthole.container.commit', item);
      if (!container) return;
      const name = await window.showInputBox({
        title: l10n.t('An image of {0} as it is now', container.name),
        placeHolder: 'name:tag',
        validateInput: (value) => (isReference(value) ? undefined : l10n.t('A name with an optional :tag')),
      });
      if (!name) return;
      const comment = await window.showInputBox({
        title: l10n.t('What has changed?'),
        prompt: l10n.t('It is kept in the history of the image; may be empty.'),
      });
      if (comment === undefined) return;
      await withProgress(l10n.t('Committing {0}', container.name), ({ signal }) =>
        handleOf(container).commit({ ...splitReference(name.trim()), comment, abortSignal: signal }),
      );
    },

    'porthole.container.copyRunLine': async (item) => {
      const container = await targets.container('porthole.container.copyRunLine', item);
      if (!container) return;
      const docker = engineOf(fleet, container);
      // An image that is gone only makes the line longer.
      const image = await docker
        .getImage(container.imageId)
        .inspect()
        .catch(() => undefined);
      await env.clipboard.writeText(runLine(await handleOf(container).inspect(), image));
      void window.showInformationMessage(l10n.t('The line is in the clipboard.'));
    },

    'porthole.container.prune': async (item) => {
      const { host, engine } = await targets.connectedEngine(item);
      const ended = (findEngine(fleet, { host: host.id, engine })?.containers ?? []).filter(({ state }) =>
        ['created', 'exited', 'dead'].includes(state),
      );
      const freed = await prune({
        none: ended.length === 0 ? l10n.t('Every container on {0} is running.', host.label) : undefined,
        question: l10n.t('Remove the {0} containers on {1} that do not run?', ended.length, host.label),
        detail: ended.map(({ name }) => name).join(', '),
        run: () => host.engine(engine).pruneContainers(),
      });
      if (freed) void window.showInformationMessage(freed);
    },

    'porthole.image.prune': async (item) => {
      const { host, engine } = await targets.connectedEngine(item);
      const found = findEngine(fleet, { host: host.id, engine });
      const used = new Set((found?.containers ?? []).map(({ imageId }) => imageId));
      const unused = (found?.images ?? []).filter(({ id }) => !used.has(id));
      const freed = await prune({
        none: unused.length === 0 ? l10n.t('Every image on {0} is used.', host.label) : undefined,
        question: l10n.t('Remove the {0} images on {1} that no container uses?', unused.length, host.label),
        detail: unused.map(imageName).join(', '),
        run: () => host.engine(engine).pruneImages({ filters: JSON.stringify({ dangling: ['false'] }) }),
      });
      if (freed) void window.showInformationMessage(freed);
    },
  };
}

interface Limit extends QuickPickItem {
  readonly prompt: string;
  readonly value: string;
  parse(text: string): number | undefined;
  body(amount: number): Dockerode.HostConfig;
}

/** To an engine 0 means that a limit stays as it is: only the number of processes has a word for none, -1. */
async function pickLimit(container: ContainerView, now: Dockerode.HostConfig): Promise<Limit | undefined> {
  const none = l10n.t('no limit');
  const { Memory = 0, NanoCpus = 0 } = now;
  const pids = now.PidsLimit && now.PidsLimit > 0 ? now.PidsLimit : 0;
  const limits: Limit[] = [
    {
      label: l10n.t('Memory'),
      description: Memory > 0 ? formatMemory(Memory) : none,
      prompt: l10n.t('For example 256m or 2g.'),
      value: Memory > 0 ? formatMemory(Memory) : '',
      parse: (text) => parseMemory(text) || undefined,
      // Twice as much with swap, as docker run has it; a smaller one of before would refuse the new limit.
      body: (bytes) => ({ Memory: bytes, MemorySwap: bytes * 2 }),
    },
    {
      label: l10n.t('CPUs'),
      description: NanoCpus > 0 ? String(NanoCpus / 1e9) : none,
      prompt: l10n.t('For example 0.5 or 2.'),
      value: NanoCpus > 0 ? String(NanoCpus / 1e9) : '',
      parse: (text) => parseCpus(text) || undefined,
      body: (billionths) => ({ NanoCpus: billionths }),
    },
    {
      label: l10n.t('Processes'),
      description: pids > 0 ? String(pids) : none,
      prompt: l10n.t('How many at most; empty for no limit.'),
      value: pids > 0 ? String(pids) : '',
      parse: parseCount,
      body: (count) => ({ PidsLimit: count === 0 ? -1 : count }),
    },
  ];
  return window.showQuickPick(limits, { title: l10n.t('Which limit of {0}?', container.name) });
}

/** Asks before everything of a kind goes. @returns what to say afterwards */
async function prune(options: {
  readonly none: string | undefined;
  readonly question: string;
  readonly detail: string;
  run(): Promise<{ readonly SpaceReclaimed: number }>;
}): Promise<string | undefined> {
  if (options.none !== undefined) return options.none;
  const remove = l10n.t('Remove');
  const { question, detail } = options;
  if ((await window.showWarningMessage(question, { modal: true, detail }, remove)) !== remove) return undefined;
  const { SpaceReclaimed } = await withProgress(l10n.t('Removing what is not used'), () => options.run());
  return l10n.t('{0} are free again.', formatSize(SpaceReclaimed));
}
