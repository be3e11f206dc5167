import * as v from 'valibot';
import { l10n } from 'vscode';
import { isKind } from '../../base/errors.ts';
import type { Disposable } from '../../base/lifetime.ts';
import type { PanelSubject } from '../../protocol/pages.ts';
import { HistorySchema, ReadingSchema } from '../../protocol/panels.ts';
import type { CgroupReading } from '../../protocol/usage.ts';
import { FromUsage, HistoryOfUsage, UpdatePlanSchema } from '../../protocol/usage-page.ts';
import { type Fleet, findContainer, findHost, keyOf, shortId } from '../fleet.ts';
import type { Host } from '../hosts/contract.ts';
import { explain, inWords } from '../problems.ts';
import { engineReading } from './engine-reading.ts';
import type { Feed, Wire } from './feed.ts';
import { changeOf, type LimitChange } from './limit-change.ts';
import { marksOf } from './usage-marks.ts';

/** Milliseconds between readings. */
const interval = 1000;

/**
 * The cgroups of one container or several of an engine: what the agent kept of them first, then a reading once a second
 * while the page can be seen and they run. cgroup files announce no change of their numbers: this has to be polled.
 */
export class UsageFeed implements Feed {
  readonly #fleet: Fleet;
  readonly #subject: PanelSubject;
  readonly #ids: readonly string[];
  readonly #wire: Wire;
  readonly #changes: Disposable;
  #stop = new AbortController();
  #last: (CgroupReading | undefined)[] = [];

  constructor(fleet: Fleet, subject: PanelSubject, wire: Wire) {
    this.#fleet = fleet;
    this.#subject = subject;
    this.#ids = subject.id.split(',');
    this.#wire = wire;
    const keys = new Set(this.#ids.map((id) => keyOf({ ...subject, id })));
    this.#changes = fleet.onDidChange((change) => {
      if (change.kind === 'host-state' || change.keys.some((key) => keys.has(key))) this.#again();
    });
  }

  /** From the beginning. */
  refresh(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    void this.#follow(this.#stop.signal);
  }

  visibilityChanged(): void {
    // A page that is hidden is taken apart; it says that it is ready when it is made again.
    if (!this.#wire.visible) this.#stop.abort();
  }

  dispose(): void {
    this.#stop.abort();
    this.#changes.dispose();
  }

  receive(received: unknown): void {
    const message = v.safeParse(FromUsage, received);
    if (message.success) void this.#change(message.output);
  }

  #again(): void {
    if (this.#wire.visible) this.refresh();
  }

  get #isOurs(): boolean {
    return this.#subject.engine === 'porthole';
  }

  #host(): Host | undefined {
    const host = findHost(this.#fleet, this.#subject.host)?.host;
    if (host?.state.kind === 'connected') return host;
    this.#wire.send({ type: 'problem', message: l10n.t('Not connected to {0}.', host?.label ?? this.#subject.host) });
    return undefined;
  }

  #stateOf(id: string) {
    return findContainer(this.#fleet, { ...this.#subject, id });
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const host = this.#host();
    if (!host) return;
    const names = this.#ids.map((id) => this.#stateOf(id)?.name ?? shortId(id));
    this.#wire.send({ type: 'containers', names, plans: this.#isOurs });
    await Promise.all(this.#ids.map((id, source) => this.#followOne(host, { id, source, signal })));
  }

  async #followOne(host: Host, one: { id: string; source: number; signal: AbortSignal }): Promise<void> {
    const { id, source, signal } = one;
    const ended = () =>
      this.#wire.send({
        type: 'ended',
        source,
        message: l10n.t('{0} is not running: there is no cgroup to read.', this.#stateOf(id)?.name ?? shortId(id)),
      });
    try {
      if (this.#isOurs) await this.#sendPast(host, one);
      const read = await this.#reader(host, id);
      while (!signal.aborted) {
        const state = this.#stateOf(id)?.state;
        if (state !== undefined && state !== 'running' && state !== 'paused') {
          ended();
          return;
        }
        const began = Date.now();
        const reading = await read(signal);
        if (signal.aborted) return;
        this.#last[source] = reading;
        this.#wire.send({ type: 'reading', source, reading });
        await pause(Math.max(50, interval - (Date.now() - began)), signal);
      }
    } catch (failure) {
      if (signal.aborted) return;
      this.#last[source] = undefined;
      if (isKind(failure, 'not-found') || isKind(failure, 'conflict')) ended();
      else this.#wire.send({ type: 'problem', message: explain(failure) });
    }
  }

  /** What was before the page was opened, and what happened meanwhile. */
  async #sendPast(host: Host, { id, source, signal }: { id: string; source: number; signal: AbortSignal }) {
    const since = Math.floor((Date.now() - 3_600_000) / 1000);
    const [usage, events] = await Promise.all([
      host.porthole(`/containers/${id}/usage`, { signal }),
      host.porthole(`/containers/${id}/history?trace=0&since=${since}`, { signal }),
    ]);
    if (signal.aborted) return;
    const marks = marksOf(v.parse(HistorySchema, events));
    this.#wire.send({ type: 'history', source, history: v.parse(HistoryOfUsage, usage) });
    this.#wire.send({ type: 'marks', source, marks });
  }

  async #reader(host: Host, id: string): Promise<(signal: AbortSignal) => Promise<CgroupReading>> {
    if (this.#isOurs) {
      return async (signal) => v.parse(ReadingSchema, await host.porthole(`/containers/${id}/cgroup`, { signal }));
    }
    const container = host.engine(this.#subject.engine).getContainer(id);
    const { HostConfig: limits } = await container.inspect();
    const quota = limits.CpuQuota && limits.CpuQuota > 0 ? limits.CpuQuota / (limits.CpuPeriod || 100_000) : 0;
    const known = {
      id,
      hasMemoryLimit: (limits.Memory ?? 0) > 0,
      cpus: limits.NanoCpus ? limits.NanoCpus / 1e9 : quota,
    };
    return async () => engineReading(await container.stats({ stream: false }), known);
  }

  async #change({ type, source, limits }: FromUsage): Promise<void> {
    const id = this.#ids[source];
    const host = this.#host();
    if (id === undefined || !host) return;
    const found = changeOf(limits, this.#last[source]);
    if ('problem' in found) {
      this.#wire.send({ type: 'refused', message: inWords(found.problem) });
      return;
    }
    try {
      if (type === 'apply') await this.#apply(host, id, found.change);
      else {
        const change = encodeURIComponent(JSON.stringify(found.change));
        const plan = v.parse(UpdatePlanSchema, await host.porthole(`/containers/${id}/update/plan?change=${change}`));
        const writes = plan.writes.map((step) => ({ ...step, why: l10n.t(step.why) }));
        this.#wire.send({ type: 'plan', plan: { ...plan, writes } });
      }
    } catch (failure) {
      this.#wire.send({ type: 'refused', message: explain(failure) });
    }
  }

  async #apply(host: Host, id: string, change: LimitChange): Promise<void> {
    const answer: unknown = await host.engine(this.#subject.engine).getContainer(id).update(change);
    const told = v.safeParse(v.object({ Warnings: v.nullish(v.array(v.string())) }), answer);
    this.#wire.send({ type: 'applied', warnings: told.success ? (told.output.Warnings ?? []) : [] });
    if (this.#wire.visible) this.refresh();
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
