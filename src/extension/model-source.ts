import { Signal } from '../base/async.ts';
import type { ContainerView, EngineView, FleetChange, ImageView } from './fleet.ts';
import type { ModelSource } from './fleet-of-models.ts';
import type { Host } from './hosts/contract.ts';

// Interim, until src/extension/model is there.
export function openModel(host: Host): ModelSource {
  const changed = new Signal<FleetChange>();
  let engines: EngineView[] = [];
  let stopped = new AbortController();
  const read = async () => {
    const docker = host.engine('porthole');
    const images = (await docker.listImages()).map(
      (one): ImageView => ({
        host: host.id,
        engine: 'porthole',
        id: one.Id,
        tags: one.RepoTags ?? [],
        size: one.Size,
        created: one.Created,
      }),
    );
    const containers = await Promise.all(
      (await docker.listContainers({ all: true })).map(async (one): Promise<ContainerView> => {
        const { State } = await docker.getContainer(one.Id).inspect();
        return {
          host: host.id,
          engine: 'porthole',
          id: one.Id,
          name: one.Names[0]?.slice(1) ?? '',
          image: one.Image,
          imageId: one.ImageID,
          command: one.Command,
          state: State.Running
            ? State.Paused
              ? 'paused'
              : 'running'
            : State.Status === 'created'
              ? 'created'
              : 'exited',
          ...(State.Running ? {} : { exitCode: State.ExitCode, oomKilled: State.OOMKilled }),
        };
      }),
    );
    engines = [{ engine: 'porthole', images, containers }];
    changed.emit({
      kind: 'containers',
      structure: true,
      keys: containers.map((one) => `${host.id}/porthole/${one.id}`),
    });
    changed.emit({ kind: 'images', structure: true, keys: [] });
  };
  host.onDidChange(async (state) => {
    stopped.abort();
    stopped = new AbortController();
    if (state.kind !== 'connected') return;
    try {
      const events = await host.engine('porthole').getEvents({ abortSignal: stopped.signal });
      events.on('error', () => undefined);
      events.on('data', () => void read().catch(() => undefined));
      await read();
    } catch (e) {
      console.log('interim', e);
    }
  });
  return {
    get engines() {
      return engines;
    },
    onDidChange: (listener) => changed.on(listener),
    watchUsage: (target, listener) => {
      const timer = setInterval(() => listener({ cpuPercent: 1, memory: 1048576 }), 1000);
      void target;
      return { dispose: () => clearInterval(timer) };
    },
    refresh: read,
    dispose: () => stopped.abort(),
  };
}
