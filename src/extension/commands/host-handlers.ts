import { type LogOutputChannel, l10n, type QuickPickItem, window } from 'vscode';
import { type Fleet, findHost } from '../fleet.ts';
import type { HostSettings } from '../host-settings.ts';
import type { Host } from '../hosts/contract.ts';
import type { Panels } from '../panels/panels.ts';
import { explain, inWords } from '../problems.ts';
import { parseTarget } from '../ssh/target.ts';
import type { Handlers } from './handlers.ts';
import { withProgress } from './progress.ts';
import type { CommandId } from './rows.ts';
import type { Targets } from './targets.ts';

type HostHandlers = Pick<Handlers, Extract<CommandId, `porthole.host.${string}`> | 'porthole.refresh'>;

export interface HostParts {
  readonly fleet: Fleet;
  readonly targets: Targets;
  readonly panels: Panels;
  readonly settings: HostSettings;
  /** Brings the fleet in line with the settings. */
  readonly arrange: () => Promise<void>;
  /** Everything that is shown is read anew. */
  readonly refresh: () => Promise<void>;
  readonly log: LogOutputChannel;
}

export function hostHandlers({ fleet, targets, panels, settings, arrange, refresh, log }: HostParts): HostHandlers {
  const connect = async (hostId: string) => {
    const entry = findHost(fleet, hostId);
    if (entry) await connectTo(entry.host, log);
  };

  return {
    'porthole.host.connect': async (item) => {
      const entry = await targets.host('porthole.host.connect', item);
      if (entry) await connect(entry.host.id);
    },

    'porthole.host.disconnect': async (item) => {
      const entry = await targets.host('porthole.host.disconnect', item);
      await entry?.host.disconnect();
    },

    'porthole.host.add': async () => {
      const target = await askTarget(
        await settings.configuredHosts(),
        new Set(settings.ssh().map(({ target }) => target)),
      );
      if (target === undefined) return;
      const id = await settings.add(target);
      // VS Code tells of changed settings at its leisure; the host must be there to be connected to.
      await arrange();
      await connect(id);
    },

    'porthole.host.remove': async (item) => {
      const entry = await targets.host('porthole.host.remove', item);
      if (!entry) return;
      const remove = l10n.t('Remove');
      const chosen = await window.showWarningMessage(
        l10n.t('Remove the host {0} from Porthole?', entry.host.label),
        { modal: true, detail: l10n.t('Nothing on the host changes; its containers go on running.') },
        remove,
      );
      if (chosen !== remove) return;
      await entry.host.disconnect();
      await settings.remove(entry.host.id);
    },

    'porthole.host.namespaces': async (item) => {
      const entry = await targets.host('porthole.host.namespaces', item);
      if (!entry) return;
      const { id: host, label: name } = entry.host;
      panels.show('namespaces', { host, engine: 'porthole', id: '', name });
    },

    'porthole.host.showLog': () => log.show(),

    'porthole.refresh': () => withProgress(l10n.t('Refreshing'), refresh),
  };
}

/** Connects with a notification that tells the steps and can cancel them. */
export async function connectTo(host: Host, log: LogOutputChannel): Promise<void> {
  await withProgress(l10n.t('Connecting to {0}', host.label), ({ signal, say }) =>
    host.connect(signal, (step) => {
      log.info(`${host.label}: ${step}`);
      say(inWords(step));
    }),
  );
}

/** A host of ~/.ssh/config, or whatever is typed into the same box. */
async function askTarget(known: readonly string[], taken: ReadonlySet<string>): Promise<string | undefined> {
  const picker = window.createQuickPick<QuickPickItem & { target?: string }>();
  picker.title = l10n.t('Add SSH Host');
  picker.placeholder = l10n.t('A host of your SSH configuration, or user@host:port');
  const configured = known
    .filter((target) => !taken.has(target))
    .map((target) => ({ label: target, description: l10n.t('SSH configuration'), target }));
  picker.items = configured;
  try {
    return await new Promise<string | undefined>((resolve) => {
      picker.onDidChangeValue((value) => {
        const typed = value.trim();
        const isKnown = known.includes(typed);
        picker.items =
          typed && !isKnown ? [{ label: typed, ...judge(typed, taken), alwaysShow: true }, ...configured] : configured;
      });
      picker.onDidAccept(() => {
        // Who types fast is ahead of the list.
        const chosen = picker.selectedItems[0] ?? judge(picker.value.trim(), taken);
        const { target } = chosen;
        if (target && !taken.has(target)) resolve(target);
      });
      picker.onDidHide(() => resolve(undefined));
      picker.show();
    });
  } finally {
    picker.dispose();
  }
}

/** What stands beside what was typed; without a target it cannot be chosen. */
function judge(typed: string, taken: ReadonlySet<string>): { description: string; target?: string } {
  if (taken.has(typed)) return { description: l10n.t('is there already') };
  try {
    parseTarget(typed);
    return { description: l10n.t('connect as typed'), target: typed };
  } catch (failure) {
    return { description: explain(failure) };
  }
}
