import { Signal } from '../base/async.ts';
import { type Disposable, DisposableStore } from '../base/lifetime.ts';
import type { EngineView, Fleet, FleetChange, FleetHost, LiveUsage, ObjectRef } from './fleet.ts';
import type { Host, HostState } from './hosts/contract.ts';

/** What one host's model gives to the fleet. */
export interface ModelSource extends Disposable {
  readonly engines: readonly EngineView[];
  onDidChange(listener: (change: FleetChange) => void): Disposable;
  watchUsage(target: ObjectRef, listener: (usage: LiveUsage) => void): Disposable;
  refresh(): Promise<void>;
}

/** A host that the settings ask for. */
export interface WantedHost {
  readonly id: string;
  readonly kind: 'local' | 'ssh';
  /** Describes how it is made: a host with another one takes its place. */
  readonly made: string;
  make(): { readonly host: Host; readonly source: ModelSource };
}

interface Member extends FleetHost {
  readonly made: string;
  readonly source: ModelSource;
  readonly store: DisposableStore;
}

/** The hosts of the settings with a model each. */
export class FleetOfModels implements Fleet, Disposable {
  readonly #changed = new Signal<FleetChange>();
  #members: readonly Member[] = [];

  get hosts(): readonly FleetHost[] {
    return this.#members;
  }

  onDidChange(listener: (change: FleetChange) => void): Disposable {
    return this.#changed.on(listener);
  }

  watchUsage(target: ObjectRef, listener: (usage: LiveUsage) => void): Disposable {
    const member = this.#members.find(({ host }) => host.id === target.host);
    return member?.source.watchUsage(target, listener) ?? { dispose: () => undefined };
  }

  async refresh(hostId?: string): Promise<void> {
    const asked = this.#members.filter(
      ({ host }) => host.state.kind === 'connected' && (hostId === undefined || host.id === hostId),
    );
    await Promise.all(asked.map(({ source }) => source.refresh()));
  }

  /** Keeps the hosts that stay, in the order given, makes what is new and ends what is gone. */
  async arrange(wanted: readonly WantedHost[]): Promise<void> {
    const before = this.#members;
    this.#members = wanted.map(
      (one) => before.find(({ host, made }) => host.id === one.id && made === one.made) ?? this.#join(one),
    );
    const gone = before.filter((member) => !this.#members.includes(member));
    this.#changed.emit({ kind: 'hosts', structure: true, keys: [] });
    await Promise.all(gone.map(leave));
  }

  dispose(): void {
    const members = this.#members;
    this.#members = [];
    for (const member of members) void leave(member);
  }

  #join({ kind, made, make }: WantedHost): Member {
    const { host, source } = make();
    const store = new DisposableStore();
    store.add(source);
    let shown: HostState['kind'] = host.state.kind;
    store.add(
      host.onDidChange((state) => {
        // Engines come and go with the connection; a step on the way to it changes one row.
        const structure = (state.kind === 'connected') !== (shown === 'connected');
        shown = state.kind;
        this.#changed.emit({ kind: 'host-state', structure, keys: [host.id] });
      }),
    );
    store.add(source.onDidChange((change) => this.#changed.emit(change)));
    return {
      host,
      kind,
      made,
      source,
      store,
      get engines() {
        return host.state.kind === 'connected' ? source.engines : [];
      },
    };
  }
}

async function leave({ host, store }: Member): Promise<void> {
  store.dispose();
  try {
    await host.disconnect();
  } catch {
    // It is gone from the views; a connection that cannot be ended in order ends with the process.
  }
}
