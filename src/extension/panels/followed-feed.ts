import { l10n } from 'vscode';
import { messageOf } from '../../base/errors.ts';
import type { Disposable } from '../../base/lifetime.ts';
import type { PanelSubject } from '../../protocol/pages.ts';
import { type Fleet, type FleetChange, findHost, keyOf } from '../fleet.ts';
import type { Host } from '../hosts/contract.ts';
import { explain } from '../problems.ts';
import type { Feed, Message, Wire } from './feed.ts';

/** What a page shows of a container, read again whenever the container or its host changes. */
export abstract class FollowedFeed implements Feed {
  protected readonly subject: PanelSubject;
  readonly #fleet: Fleet;
  readonly #wire: Wire;
  readonly #changes: Disposable;
  readonly #stop = new AbortController();
  #isStale = false;
  #reading: Promise<void> | undefined;

  constructor(fleet: Fleet, subject: PanelSubject, wire: Wire) {
    this.#fleet = fleet;
    this.subject = subject;
    this.#wire = wire;
    this.#changes = fleet.onDidChange((change) => {
      // A page that is hidden is taken apart; it says that it is ready when it is made again.
      if (this.#wire.visible && this.concerns(change)) this.refresh();
    });
  }

  /** Whether what is shown may have changed. */
  protected concerns({ kind, structure, keys }: FleetChange): boolean {
    return kind !== 'execs' && (kind === 'host-state' || structure || keys.includes(keyOf(this.subject)));
  }

  /** What is to be sent now. */
  protected abstract read(host: Host, signal: AbortSignal): Promise<Message>;

  refresh(): void {
    this.#isStale = true;
    this.#reading ??= this.#readStale().finally(() => {
      this.#reading = undefined;
    });
  }

  visibilityChanged(): void {
    if (this.#wire.visible) this.refresh();
  }

  dispose(): void {
    this.#stop.abort();
    this.#changes.dispose();
  }

  /** One at a time: many changes while something is read are one reason to read again. */
  async #readStale(): Promise<void> {
    while (this.#isStale && !this.#stop.signal.aborted) {
      this.#isStale = false;
      await this.#send();
    }
  }

  async #send(): Promise<void> {
    const { signal } = this.#stop;
    const host = findHost(this.#fleet, this.subject.host)?.host;
    if (host?.state.kind !== 'connected') {
      this.#wire.send({ type: 'problem', message: l10n.t('Not connected to {0}.', host?.label ?? this.subject.host) });
      return;
    }
    this.#wire.send({ type: 'busy' });
    try {
      const message = await this.read(host, signal);
      if (!signal.aborted) this.#wire.send(message);
    } catch (failure) {
      if (!signal.aborted) this.#wire.send({ type: 'problem', message: explain(failure) || messageOf(failure) });
    }
  }
}
