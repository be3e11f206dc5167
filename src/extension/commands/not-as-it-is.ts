import { commands, l10n } from 'vscode';
import { PortholeError } from '../../base/errors.ts';
import { AdvisedFailure, type NextStep } from '../advice.ts';
import { type ContainerView, type Fleet, findContainer } from '../fleet.ts';
import { engineName } from '../hosts/problems.ts';
import { containerLook } from '../tree/appearance.ts';
import { type CommandId, rowOf } from './rows.ts';

/** Milliseconds until a container that was started is seen to run. */
const patience = 10_000;

/** Why a command does not fit containers as they are, with the step that makes them fit. */
export function notAsItIs(fleet: Fleet, id: CommandId, found: readonly ContainerView[]): PortholeError {
  const [first] = found;
  if (!first) return new PortholeError('not-found', l10n.t('That is no longer there.'));
  const { states, engines } = rowOf(id);
  if (engines && !engines.includes(first.engine)) {
    return new PortholeError(
      'unsupported',
      l10n.t('{0} does not tell this of its containers.', engineName(first.engine)),
    );
  }
  const why = new PortholeError(
    'conflict',
    l10n.t('{0} is not as this needs it: {1}.', first.name, containerLook(first).words),
  );
  const way = wayTo(first, states ?? []);
  return way ? new AdvisedFailure(why, [{ title: way.title, run: () => go(fleet, first, [way.id, id]) }]) : why;
}

function wayTo(
  { state }: ContainerView,
  states: readonly string[],
): (Pick<NextStep, 'title'> & { id: CommandId }) | undefined {
  if (!states.includes('running')) return undefined;
  if (state === 'paused') return { title: l10n.t('Unpause'), id: 'porthole.container.unpause' };
  if (['created', 'exited', 'dead'].includes(state)) return { title: l10n.t('Start'), id: 'porthole.container.start' };
  return undefined;
}

/** Does one thing, and the other once the container is seen to run. */
async function go(fleet: Fleet, ref: ContainerView, [way, after]: readonly [CommandId, CommandId]): Promise<void> {
  const row = { type: 'container', ref };
  await commands.executeCommand(way, row);
  if (await isSeenRunning(fleet, ref)) await commands.executeCommand(after, row);
}

function isSeenRunning(fleet: Fleet, ref: ContainerView): Promise<boolean> {
  const runs = () => findContainer(fleet, ref)?.state === 'running';
  return new Promise((resolve) => {
    const settle = (seen: boolean) => {
      clearTimeout(timer);
      watch.dispose();
      resolve(seen);
    };
    const timer = setTimeout(() => settle(false), patience);
    const watch = fleet.onDidChange(() => {
      if (runs()) settle(true);
    });
    if (runs()) settle(true);
  });
}

/** What keeps an image or a volume in use goes first, after a question of its own. */
export function removeThese(users: readonly ContainerView[]): NextStep {
  const rows = users.map((ref) => ({ type: 'container', ref }));
  return {
    title: l10n.t('Remove These Containers…'),
    run: () => commands.executeCommand('porthole.container.remove', rows[0], rows),
  };
}
