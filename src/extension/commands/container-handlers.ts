import type Dockerode from 'dockerode';
import { commands, l10n, ThemeIcon, window } from 'vscode';
import type { PanelSubject } from '../../protocol/pages.ts';
import { orOffer } from '../advice.ts';
import { type ContainerView, type Fleet, hostLabel, shortId } from '../fleet.ts';
import type { Panels } from '../panels/panels.ts';
import { engineStatus } from '../problems.ts';
import { EngineTerminal } from '../terminal/engine-terminal.ts';
import { execProgram } from '../terminal/programs.ts';
import { pickShell } from '../terminal/shells.ts';
import { engineOf } from './engine-of.ts';
import type { Handlers } from './handlers.ts';
import { withProgress } from './progress.ts';
import type { CommandId } from './rows.ts';
import type { Targets } from './targets.ts';
import { splitWords } from './words.ts';

type ContainerHandlers = Pick<
  Handlers,
  `porthole.container.${'start' | 'stop' | 'restart' | 'pause' | 'unpause' | 'kill' | 'remove' | 'rename' | 'exec' | 'logs' | 'inspect' | 'birth' | 'usage' | 'timeline' | 'isolation' | 'namespaces'}`
>;

export interface ContainerParts {
  readonly fleet: Fleet;
  readonly targets: Targets;
  readonly panels: Panels;
}

/** A docker name; engines refuse others, but only after the user has typed the whole of it. */
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export function containerHandlers({ fleet, targets, panels }: ContainerParts): ContainerHandlers {
  const handleOf = (container: ContainerView) => engineOf(fleet, container).getContainer(container.id);

  /** A verb that is done to each of the selected containers, side by side. */
  const each =
    (
      id: CommandId,
      title: (name: string) => string,
      act: (handle: Dockerode.Container, signal: AbortSignal) => unknown,
    ) =>
    async (item?: unknown, items?: unknown) => {
      const chosen = await targets.containers(id, item, items);
      if (chosen.length === 0) return;
      await withProgress(title(namesOf(chosen)), ({ signal }) =>
        every(chosen, async (container) => {
          try {
            await act(handleOf(container), signal);
          } catch (failure) {
            // 304: it was so already.
            if (engineStatus(failure) !== 304) throw failure;
          }
        }),
      );
    };

  return {
    'porthole.container.start': each(
      'porthole.container.start',
      (name) => l10n.t('Starting {0}', name),
      (handle) => handle.start(),
    ),
    'porthole.container.stop': each(
      'porthole.container.stop',
      (name) => l10n.t('Stopping {0}', name),
      (handle, abortSignal) => handle.stop({ abortSignal }),
    ),
    'porthole.container.restart': each(
      'porthole.container.restart',
      (name) => l10n.t('Restarting {0}', name),
      (handle, abortSignal) => handle.restart({ abortSignal }),
    ),
    'porthole.container.pause': each(
      'porthole.container.pause',
      (name) => l10n.t('Pausing {0}', name),
      (handle) => handle.pause(),
    ),
    'porthole.container.unpause': each(
      'porthole.container.unpause',
      (name) => l10n.t('Unpausing {0}', name),
      (handle) => handle.unpause(),
    ),
    'porthole.container.kill': each(
      'porthole.container.kill',
      (name) => l10n.t('Killing {0}', name),
      (handle) => handle.kill(),
    ),

    'porthole.container.remove': async (item, items) => {
      const chosen = await targets.containers('porthole.container.remove', item, items);
      const first = chosen[0];
      if (!first) return;
      const running = chosen.filter(({ state }) => state === 'running' || state === 'paused' || state === 'restarting');
      const question =
        chosen.length === 1
          ? l10n.t('Remove the container {0} from {1}?', first.name, hostLabel(fleet, first.host))
          : l10n.t(
              'Remove {0} containers ({1})?',
              chosen.length,
              chosen.map((one) => `${one.name} @ ${hostLabel(fleet, one.host)}`).join(', '),
            );
      const detail =
        running.length > 0
          ? l10n.t('Still running and to be killed: {0}. What was written inside is lost.', namesOf(running))
          : l10n.t('What was written inside is lost.');
      const remove = l10n.t('Remove');
      if ((await window.showWarningMessage(question, { modal: true, detail }, remove)) !== remove) return;
      await withProgress(l10n.t('Removing {0}', namesOf(chosen)), () =>
        every(chosen, (container) => handleOf(container).remove({ force: running.includes(container), v: true })),
      );
    },

    'porthole.container.rename': async (item) => {
      const container = await targets.container('porthole.container.rename', item);
      if (!container) return;
      const name = await window.showInputBox({
        title: l10n.t('Rename {0}', container.name),
        value: container.name,
        validateInput: (value) =>
          namePattern.test(value) ? undefined : l10n.t('Letters, digits, _ . and -, beginning with a letter or digit'),
      });
      if (!name || name === container.name) return;
      const row = { type: 'container', ref: container };
      await withProgress(l10n.t('Renaming {0}', container.name), ({ signal }) =>
        handleOf(container).rename({ name, abortSignal: signal }),
      ).catch(orOffer(l10n.t('Choose Another Name'), () => commands.executeCommand('porthole.container.rename', row)));
    },

    'porthole.container.exec': async (item) => {
      const container = await targets.container('porthole.container.exec', item);
      if (!container) return;
      const handle = handleOf(container);
      const found = await withProgress(l10n.t('Looking for a shell in {0}', container.name), () => pickShell(handle));
      const argv = found ?? (await withoutShell(container));
      if (!argv) return;
      const terminal = window.createTerminal({
        name: `${container.name}: ${argv.join(' ')}`,
        iconPath: new ThemeIcon('terminal'),
        pty: new EngineTerminal(execProgram(handle, argv)),
      });
      terminal.show();
    },

    'porthole.container.logs': async (item, items) => {
      const chosen = await targets.containers('porthole.container.logs', item, items);
      for (const subject of togetherByEngine(chosen)) panels.show('logs', subject);
    },

    'porthole.container.inspect': async (item) => {
      const container = await targets.container('porthole.container.inspect', item);
      if (container) panels.show('inspect', { ...subjectOf(container), object: 'container' });
    },

    'porthole.container.namespaces': async (item) => {
      const container = await targets.container('porthole.container.namespaces', rowAbove(item));
      if (container) panels.show('namespaces', subjectOf(container));
    },

    'porthole.container.birth': async (item) => {
      const container = await targets.container('porthole.container.birth', item);
      if (container) panels.show('birth', subjectOf(container));
    },

    'porthole.container.usage': async (item, items) => {
      const chosen = await targets.containers('porthole.container.usage', item, items);
      for (const subject of togetherByEngine(chosen)) panels.show('usage', subject);
    },

    'porthole.container.timeline': async (item) => {
      const container = await targets.container('porthole.container.timeline', item);
      if (container) panels.show('timeline', subjectOf(container));
    },

    'porthole.container.isolation': async (item) => {
      const container = await targets.container('porthole.container.isolation', item);
      if (container) panels.show('isolation', subjectOf(container));
    },
  };
}

/** The row of a container for one of the rows that it unfolds into. */
function rowAbove(item: unknown): unknown {
  if (typeof item !== 'object' || item === null || !('container' in item)) return item;
  return { type: 'container', ref: item.container };
}

const subjectOf = ({ host, engine, id, name }: ContainerView) => ({ host, engine, id, name });

/** Those of one engine in one page. */
function togetherByEngine(containers: readonly ContainerView[]): PanelSubject[] {
  const byEngine = new Map<string, ContainerView[]>();
  for (const one of containers) {
    const key = `${one.host}/${one.engine}`;
    byEngine.set(key, [...(byEngine.get(key) ?? []), one]);
  }
  return [...byEngine.values()].flatMap((together) => {
    const [first] = together;
    if (!first) return [];
    const id = together.map((one) => one.id).join(',');
    return [{ host: first.host, engine: first.engine, id, name: namesOf(together) }];
  });
}

function namesOf(containers: readonly ContainerView[]): string {
  return containers.map(({ name, id }) => name || shortId(id)).join(', ');
}

/** Images of one program have no shell: the user runs another program, or looks at its files from outside. */
async function withoutShell(container: ContainerView): Promise<readonly string[] | undefined> {
  const program = { label: l10n.t('Run a Program of It…'), id: undefined };
  const files = {
    label: l10n.t('Look at Its Files'),
    description: l10n.t('from outside, without a program in it'),
    id: 'porthole.container.files',
  };
  const chosen = await window.showQuickPick(container.engine === 'porthole' ? [program, files] : [program], {
    title: l10n.t('{0} has no shell: its image brings none', container.name),
  });
  if (chosen?.id) await commands.executeCommand(chosen.id, { type: 'container', ref: container });
  if (!chosen || chosen.id) return undefined;
  const line = await window.showInputBox({
    title: l10n.t('Which program shall run in {0}?', container.name),
    prompt: l10n.t('Words in quotes stay together.'),
  });
  const words = splitWords(line ?? '');
  return words.length > 0 ? words : undefined;
}

/** All side by side; the first failure is thrown once every one has ended. */
async function every<T>(values: readonly T[], act: (value: T) => Promise<unknown>): Promise<void> {
  const results = await Promise.allSettled(values.map(act));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
