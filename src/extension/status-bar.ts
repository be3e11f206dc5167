import { l10n, StatusBarAlignment, type StatusBarItem, ThemeColor, window } from 'vscode';
import type { Disposable } from '../base/lifetime.ts';
import type { Fleet, FleetHost } from './fleet.ts';
import { explain } from './problems.ts';
import { hostLook } from './tree/appearance.ts';

/** In one line which hosts are connected and what runs there; a click leads to the view that tells more. */
export class StatusBar implements Disposable {
  readonly #fleet: Fleet;
  readonly #item: StatusBarItem;
  readonly #watch: Disposable;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#item = window.createStatusBarItem('hosts', StatusBarAlignment.Left);
    this.#item.name = l10n.t('Porthole: Hosts');
    this.#watch = fleet.onDidChange(({ kind }) => {
      if (kind === 'hosts' || kind === 'host-state' || kind === 'containers') this.#draw();
    });
    this.#draw();
    this.#item.show();
  }

  dispose(): void {
    this.#watch.dispose();
    this.#item.dispose();
  }

  #draw(): void {
    const { hosts } = this.#fleet;
    const connected = hosts.filter(({ host }) => host.state.kind === 'connected');
    const failed = hosts.filter(({ host }) => host.state.kind === 'disconnected' && host.state.error);
    const isConnecting = hosts.some(({ host }) => host.state.kind === 'connecting');
    const running = connected.reduce((sum, one) => sum + runningOn(one), 0);
    const [only] = connected;
    const where = connected.length === 1 && only ? only.host.label : l10n.t('{0} hosts', connected.length);
    const icon = isConnecting ? 'loading~spin' : failed.length > 0 ? 'warning' : 'server-environment';
    const words = only ? l10n.t('{0}: {1} running', where, running) : l10n.t('No host');
    this.#item.text = `$(${icon}) ${words}`;
    this.#item.tooltip = ['Porthole', ...hosts.map(lineOf)].join('\n');
    this.#item.accessibilityInformation = { label: `Porthole: ${words}` };
    this.#item.backgroundColor = failed.length > 0 ? new ThemeColor('statusBarItem.warningBackground') : undefined;
    this.#item.command = only && failed.length === 0 ? 'porthole.containers.focus' : 'porthole.hosts.focus';
  }
}

const runningOn = ({ engines }: FleetHost): number =>
  engines.reduce((sum, { containers }) => sum + containers.filter(({ state }) => state === 'running').length, 0);

function lineOf(entry: FleetHost): string {
  const { label, state } = entry.host;
  if (state.kind === 'connected') return l10n.t('{0}: {1} running', label, runningOn(entry));
  const why = state.kind === 'disconnected' && state.error ? explain(state.error) : hostLook(state).words;
  return `${label}: ${why}`;
}
