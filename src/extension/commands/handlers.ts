import { commands, l10n, window } from 'vscode';
import type { Disposable } from '../../base/lifetime.ts';
import { explain, isCanceled } from '../problems.ts';
import { type CommandId, commandIds } from './rows.ts';

/**
 * What runs for a row. From a context menu VS Code passes the row and, with several selected, all of them; from the
 * palette nothing.
 */
export type Handler = (item?: unknown, items?: unknown) => Promise<unknown> | unknown;

/** One for every row of the table: a row without its handler does not compile. */
export type Handlers = { readonly [Id in CommandId]: Handler };

/** Registers every command. A failure is told to the user here, once, whatever the command. */
export function registerCommands(handlers: Handlers, log: (line: string) => void): Disposable[] {
  return commandIds.map((id) =>
    commands.registerCommand(id, async (item?: unknown, items?: unknown) => {
      try {
        return await handlers[id](item, items);
      } catch (failure) {
        if (isCanceled(failure)) return undefined;
        log(`${id}: ${failure instanceof Error ? (failure.stack ?? failure.message) : String(failure)}`);
        void offerLog(explain(failure));
        return undefined;
      }
    }),
  );
}

async function offerLog(message: string): Promise<void> {
  const showLog = l10n.t('Show Log');
  const chosen = await window.showErrorMessage(message, showLog);
  if (chosen === showLog) await commands.executeCommand('porthole.host.showLog');
}
