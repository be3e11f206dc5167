import * as v from 'valibot';
import { l10n } from 'vscode';
import { isKind } from '../../base/errors.ts';
import type { Disposable } from '../../base/lifetime.ts';
import type { PanelSubject } from '../../protocol/pages.ts';
import { ReadingSchema } from '../../protocol/panels.ts';
import { type Fleet, findContainer, findHost, keyOf } from '../fleet.ts';
import { explain } from '../problems.ts';
import type { Feed, Wire } from './feed.ts';

/** Milliseconds between readings. */
const interval = 1000;

/**
 * A container's cgroup, read once a second while the panel can be seen and the container runs. cgroup files announce
 * no change of their numbers: this is the one thing that has to be polled.
 */
export class UsageFeed implements Feed {
  readonly #fleet: Fleet;
  readonly #subject: PanelSubject;
  readonly #wire: Wire;
  readonly #changes: Disposable;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #reading = false;

  constructor(fleet: Fleet, subject: PanelSubject, wire: Wire) {
    this.#fleet = fleet;
    this.#subject = subject;
    this.#wire = wire;
    const key = keyOf(subject);
    this.#changes = fleet.onDidChange(({ kind, structure, keys }) => {
      if (kind === 'execs') return;
      if (kind === 'host-state' || structure || keys.includes(key)) this.refresh();
    });
  }

  refresh(): void {
    void this.#read();
  }

  visibilityChanged(): void {
    if (this.#wire.visible) this.refresh();
    else this.#later(undefined);
  }

  dispose(): void {
    this.#stop.abort();
    this.#later(undefined);
    this.#changes.dispose();
  }

  async #read(): Promise<void> {
    if (this.#reading || !this.#wire.visible || this.#stop.signal.aborted) return;
    this.#reading = true;
    const began = Date.now();
    const more = await this.#send();
    this.#reading = false;
    // Without another reading due the panel waits for the fleet to say that something changed.
    this.#later(more && this.#wire.visible ? Math.max(50, interval - (Date.now() - began)) : undefined);
  }

  /** True when there will be more to read. */
  async #send(): Promise<boolean> {
    const { signal } = this.#stop;
    const host = findHost(this.#fleet, this.#subject.host)?.host;
    if (host?.state.kind !== 'connected') {
      this.#wire.send({ type: 'problem', message: l10n.t('Not connected to {0}.', host?.label ?? this.#subject.host) });
      return false;
    }
    const container = findContainer(this.#fleet, this.#subject);
    if (container && container.state !== 'running' && container.state !== 'paused') {
      this.#wire.send({ type: 'ended', message: l10n.t('This container is not running: there is no cgroup to read.') });
      return false;
    }
    try {
      const answer = await host.porthole(`/containers/${this.#subject.id}/cgroup`, { signal });
      if (!signal.aborted) this.#wire.send({ type: 'reading', reading: v.parse(ReadingSchema, answer) });
      return true;
    } catch (failure) {
      if (signal.aborted) return false;
      const gone = isKind(failure, 'not-found') || isKind(failure, 'conflict');
      this.#wire.send(
        gone
          ? { type: 'ended', message: l10n.t('This container is not running: there is no cgroup to read.') }
          : { type: 'problem', message: explain(failure) },
      );
      return !gone;
    }
  }

  #later(milliseconds: number | undefined): void {
    clearTimeout(this.#timer);
    this.#timer = milliseconds === undefined ? undefined : setTimeout(() => this.refresh(), milliseconds);
  }
}
