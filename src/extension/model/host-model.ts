import { Signal } from '../../base/async.ts';
import { type Disposable, DisposableStore } from '../../base/lifetime.ts';
import type { EngineView, FleetChange, LiveUsage, ObjectRef } from '../fleet.ts';
import type { ModelSource } from '../fleet-of-models.ts';
import type { EngineKind, Host } from '../hosts/contract.ts';
import type { Log } from '../ssh/services.ts';
import { EngineWatch } from './engine-watch.ts';
import { type Finding, type HostContents, learn, nothing } from './state.ts';
import { UsageWatch } from './usage-watch.ts';

export interface HostModelOptions {
  /** Which engines to look for. */
  readonly engines?: readonly EngineKind[];
  readonly log?: Log;
}

const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined };

/**
 * What is on one host, kept up to date by the engines' events while the host is connected. When it is not, the last
 * contents stay, so that a short break of the line does not empty the views.
 */
export class HostModel implements ModelSource {
  readonly #host: Host;
  readonly #kinds: readonly EngineKind[];
  readonly #log: Log;
  readonly #changed = new Signal<FleetChange>();
  readonly #owned = new DisposableStore();
  readonly #usage: UsageWatch;
  #watches: readonly EngineWatch[] = [];
  #contents: HostContents = nothing;

  constructor(host: Host, { engines = ['porthole', 'docker', 'podman'], log = silent }: HostModelOptions = {}) {
    this.#host = host;
    this.#kinds = engines;
    this.#log = log;
    this.#usage = this.#owned.add(new UsageWatch(host, (target) => this.#runs(target)));
    this.#owned.add(host.onDidChange(() => this.#follow()));
    this.#owned.add({ dispose: () => this.#unfollow() });
    this.#follow();
  }

  get engines(): readonly EngineView[] {
    return this.#contents.engines;
  }

  onDidChange(listener: (change: FleetChange) => void): Disposable {
    return this.#changed.on(listener);
  }

  watchUsage(target: ObjectRef, listener: (usage: LiveUsage) => void): Disposable {
    return this.#usage.watch(target, listener);
  }

  /** Reads every list anew; engines that do not answer are no failure. */
  async refresh(): Promise<void> {
    await Promise.allSettled(this.#watches.map((watch) => watch.refresh()));
  }

  dispose(): void {
    this.#owned.dispose();
  }

  #follow(): void {
    if (this.#host.state.kind !== 'connected') {
      this.#unfollow();
      return;
    }
    if (this.#watches.length > 0) return;
    this.#watches = this.#kinds.map(
      (engine) =>
        new EngineWatch({
          host: this.#host,
          engine,
          log: this.#log,
          onFinding: (finding) => this.#learn(finding),
        }),
    );
    this.#usage.update();
  }

  #unfollow(): void {
    for (const watch of this.#watches) watch.dispose();
    this.#watches = [];
    this.#usage.update();
  }

  #learn(finding: Finding): void {
    const { state, changes } = learn(this.#contents, finding);
    this.#contents = state;
    for (const change of changes) this.#changed.emit(change);
    if (changes.length > 0) this.#usage.update();
  }

  #runs({ engine, id }: ObjectRef): boolean {
    const view = this.#contents.engines.find((one) => one.engine === engine);
    const container = view?.containers.find((one) => one.id === id);
    return container?.state === 'running' || container?.state === 'paused';
  }
}
