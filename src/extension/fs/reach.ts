import { l10n } from 'vscode';
import { PortholeError } from '../../base/errors.ts';
import { type Fleet, findHost } from '../fleet.ts';
import type { Host } from '../hosts/contract.ts';

/**
 * The host that files are asked of, connected. A window that VS Code restores asks for the files of its folders before
 * anybody has connected anything: each host is then connected to, once; a host that the user has left stays left.
 */
export class Reach {
  readonly #fleet: Fleet;
  readonly #ready: () => Promise<void>;
  readonly #connect: (host: Host) => Promise<void>;
  readonly #tried = new Map<string, Promise<void>>();

  /** @param options.ready resolves when the hosts of the settings are in the fleet */
  constructor(fleet: Fleet, options: { ready: () => Promise<void>; connect: (host: Host) => Promise<void> }) {
    this.#fleet = fleet;
    this.#ready = options.ready;
    this.#connect = options.connect;
  }

  /** @throws unavailable for a host that the settings do not name; whatever kept it from being connected to. */
  async host(id: string): Promise<Host> {
    await this.#ready();
    const host = findHost(this.#fleet, id)?.host;
    if (!host) throw new PortholeError('unavailable', l10n.t('No such host: {0}', id));
    if (host.state.kind === 'connected') {
      this.#tried.set(id, Promise.resolve());
      return host;
    }
    const tried = this.#tried.get(id) ?? this.#connect(host);
    this.#tried.set(id, tried);
    await tried;
    return host;
  }
}
