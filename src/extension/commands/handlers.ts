import { commands, l10n, window } from 'vscode';
import { errnoOf, isKind, messageOf } from '../../base/errors.ts';
import type { Disposable } from '../../base/lifetime.ts';
import { AdvisedFailure, type NextStep } from '../advice.ts';
import { explain, isCanceled } from '../problems.ts';
import { selected, viewOf } from './manifest.ts';
import { hostOf } from './row-refs.ts';
import { type CommandId, commandIds, rowOf } from './rows.ts';

/**
 * What runs for a row. From a context menu VS Code passes the row and, with several selected, all of them; from the
 * palette nothing.
 */
export type Handler = (item?: unknown, items?: unknown) => Promise<unknown> | unknown;

/** One for every row of the table: a row without its handler does not compile. */
export type Handlers = { readonly [Id in CommandId]: Handler };

export interface Surroundings {
  log(line: string): void;
  /** The rows that are selected in a view, by its id. */
  selection(view: string): readonly unknown[];
}

/** Registers every command. A failure is told to the user here, once, whatever the command. */
export function registerCommands(handlers: Handlers, { log, selection }: Surroundings): Disposable[] {
  return commandIds.map((id) =>
    commands.registerCommand(id, async (given?: unknown, others?: unknown) => {
      const rows = given === selected ? selection(viewOf(rowOf(id).target) ?? '').filter(isOf(id)) : undefined;
      // A key on a row of another kind does nothing, as everywhere in VS Code.
      if (rows?.length === 0) return undefined;
      const [item, items] = rows ? [rows[0], rows] : [given, others];
      try {
        return await handlers[id](item, items);
      } catch (failure) {
        if (isCanceled(failure)) return undefined;
        log(`${id}: ${failure instanceof Error ? (failure.stack ?? failure.message) : String(failure)}`);
        const again = () => commands.executeCommand(id, item, items);
        void tell(failure, [...nextSteps(failure, { item, again }), showLog()], log);
        return undefined;
      }
    }),
  );
}

const isOf =
  (id: CommandId) =>
  (row: unknown): boolean =>
    typeof row === 'object' && row !== null && 'type' in row && row.type === rowOf(id).target;

/** A message with a button for each step; what fails in a step is told in the same way. */
async function tell(failure: unknown, steps: readonly NextStep[], log: (line: string) => void): Promise<void> {
  const chosen = await window.showErrorMessage(explain(failure), ...steps.map(({ title }) => title));
  const step = steps.find(({ title }) => title === chosen);
  try {
    await step?.run();
  } catch (next) {
    if (isCanceled(next)) return;
    log(messageOf(next));
    await tell(next, [...(next instanceof AdvisedFailure ? next.steps : []), showLog()], log);
  }
}

const showLog = (): NextStep => ({
  title: l10n.t('Show Log'),
  run: () => commands.executeCommand('porthole.host.showLog'),
});

/** What can be done about a failure, as far as it can be told without knowing what was tried. */
function nextSteps(failure: unknown, { item, again }: { item: unknown; again: () => unknown }): readonly NextStep[] {
  if (failure instanceof AdvisedFailure) return failure.steps;
  if (isKind(failure, 'unavailable')) {
    const hostId = hostOf(item);
    const row = hostId === undefined ? undefined : { hostId };
    return [{ title: l10n.t('Connect'), run: () => commands.executeCommand('porthole.host.connect', row) }];
  }
  // A file of this computer: the command asks for its place.
  if (['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOENT'].includes(errnoOf(failure) ?? '')) {
    return [{ title: l10n.t('Choose Another Place'), run: again }];
  }
  return [];
}
