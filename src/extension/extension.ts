import { type ExtensionContext, type LogOutputChannel, l10n, languages, window, workspace } from 'vscode';
import { KeyedLock } from '../base/async.ts';
import { messageOf } from '../base/errors.ts';
import { archiveHandlers } from './commands/archive-handlers.ts';
import { buildHandlers } from './commands/build-handlers.ts';
import { compareHandlers } from './commands/compare-handlers.ts';
import { containerHandlers } from './commands/container-handlers.ts';
import { copyHandlers } from './commands/copy-handlers.ts';
import { ContainerDrops } from './commands/drops.ts';
import { editHandlers } from './commands/edit-handlers.ts';
import { fileHandlers } from './commands/file-handlers.ts';
import { registerCommands } from './commands/handlers.ts';
import { connectTo, hostHandlers } from './commands/host-handlers.ts';
import { imageHandlers } from './commands/image-handlers.ts';
import { layerHandlers } from './commands/layer-handlers.ts';
import { viewIds } from './commands/manifest.ts';
import { nameHandlers } from './commands/name-handlers.ts';
import { portHandlers } from './commands/port-handlers.ts';
import { registryHandlers } from './commands/registry-handlers.ts';
import { runHandlers } from './commands/run-handlers.ts';
import { Targets } from './commands/targets.ts';
import { rememberedGrouping, treeHandlers } from './commands/tree-handlers.ts';
import { volumeHandlers } from './commands/volume-handlers.ts';
import { PortholeFiles } from './editors/file-system.ts';
import { scheme } from './editors/uris.ts';
import { type Fleet, findHost } from './fleet.ts';
import { FleetOfModels } from './fleet-of-models.ts';
import { Reach } from './fs/reach.ts';
import { RemoteFiles } from './fs/remote-files.ts';
import { filesScheme } from './fs/uris.ts';
import { HostSettings, sshHostId } from './host-settings.ts';
import { Forwards } from './hosts/forwards.ts';
import { Layers } from './layers/layers.ts';
import { LayerViewer } from './layers/viewer.ts';
import { Panels } from './panels/panels.ts';
import { StatusBar } from './status-bar.ts';
import { ContainersView } from './tree/containers-view.ts';
import { ChangeDecorations, TroubleDecorations } from './tree/decorations.ts';
import { Gauges } from './tree/gauges.ts';
import { HostsView } from './tree/hosts-view.ts';
import { ImageInsides } from './tree/image-insides.ts';
import { ImagesView } from './tree/images-view.ts';
import { Insides } from './tree/insides.ts';
import { TreeViews } from './tree/tree-views.ts';
import { VolumesView } from './tree/volumes-view.ts';

/** What tests reach of the extension. */
export interface PortholeApi {
  readonly fleet: Fleet;
  readonly views: {
    readonly hosts: HostsView;
    readonly containers: ContainersView;
    readonly images: ImagesView;
    readonly volumes: VolumesView;
  };
  /** Resolves when the hosts of the settings are in the fleet. */
  readonly ready: Promise<void>;
}

/** The composition root: everything is made here and given to what needs it. */
export function activate(context: ExtensionContext): PortholeApi {
  const own = <T extends { dispose(): unknown }>(item: T): T => {
    context.subscriptions.push(item);
    return item;
  };
  const log = own(window.createOutputChannel('Porthole', { log: true }));
  const settings = new HostSettings();
  const fleet = own(new FleetOfModels());

  const layers = new Layers(fleet);
  const viewer = new LayerViewer(fleet, layers);
  const hosts = own(new HostsView(fleet));
  const reach = new Reach(fleet, { ready: () => ready, connect: (host) => connectTo(host, log) });
  const remoteFiles = own(new RemoteFiles(reach));
  const gauges = own(new Gauges(fleet));
  const insides = own(new Insides({ fleet, files: remoteFiles, gauges }));
  const containers = own(new ContainersView({ fleet, insides, gauges }));
  const images = own(new ImagesView(fleet, new ImageInsides(fleet, layers)));
  const volumes = own(new VolumesView(fleet, insides));
  const views = { hosts, containers, images, volumes };
  containers.groupBy(rememberedGrouping(context.globalState));
  const drops = new ContainerDrops({ fleet, changed: (container) => containers.readAnew(container) });
  const trees = own(new TreeViews({ fleet, views, ids: viewIds, drops }));

  const files = own(new PortholeFiles(fleet));
  own(workspace.registerFileSystemProvider(scheme, files, { isCaseSensitive: true, isReadonly: true }));
  own(workspace.registerFileSystemProvider(filesScheme, remoteFiles, { isCaseSensitive: true }));
  own(window.registerFileDecorationProvider(new ChangeDecorations()));
  own(window.registerFileDecorationProvider(new TroubleDecorations()));
  const panels = own(new Panels({ fleet, layers, viewer }, context.extensionUri));

  own(new StatusBar(fleet));

  const fill = filler(context, { fleet, settings, log });
  const targets = new Targets(fleet);
  const unfoldAnew = () => {
    insides.forget();
    containers.refresh();
    images.refresh();
    volumes.refresh();
  };
  own(remoteFiles.onDidChangeFile(unfoldAnew));
  const refresh = async () => {
    try {
      await fleet.refresh();
    } finally {
      unfoldAnew();
    }
  };
  const handlers = {
    ...hostHandlers({ fleet, targets, panels, settings, arrange: fill, refresh, log }),
    ...containerHandlers({ fleet, targets, panels }),
    ...imageHandlers({ fleet, targets, panels }),
    ...runHandlers({ fleet, targets, files, secrets: context.secrets }),
    ...nameHandlers({ fleet, targets }),
    ...archiveHandlers({ targets }),
    ...buildHandlers({
      targets,
      output: own(window.createOutputChannel(l10n.t('Porthole Builds'))),
      problems: own(languages.createDiagnosticCollection('porthole')),
      memory: context.workspaceState,
    }),
    ...layerHandlers({ targets, panels, viewer }),
    ...compareHandlers({ fleet, targets, layers }),
    ...editHandlers({ fleet, targets }),
    ...portHandlers({ fleet, targets, forwards: own(new Forwards()) }),
    ...copyHandlers({ fleet, targets }),
    ...registryHandlers({ fleet, targets }),
    ...volumeHandlers({ fleet, targets, panels }),
    ...fileHandlers({ fleet, targets, layers }),
    ...treeHandlers({ fleet, containers, images, memory: context.globalState }),
  };
  const surroundings = { log: (line: string) => log.error(line), selection: (view: string) => trees.selection(view) };
  for (const command of registerCommands(handlers, surroundings)) own(command);

  own(
    fleet.onDidChange(({ kind, keys }) => {
      if (kind === 'containers' || kind === 'images' || kind === 'volumes') files.touch(new Set(keys));
    }),
  );
  own(
    workspace.onDidChangeConfiguration((event) => {
      if (HostSettings.concerns(event)) void fill().catch((failure) => log.error(messageOf(failure)));
    }),
  );
  const ready = fill();
  ready.catch((failure) => log.error(messageOf(failure)));
  return { fleet, views, ready };
}

interface Filling {
  readonly fleet: FleetOfModels;
  readonly settings: HostSettings;
  readonly log: LogOutputChannel;
}

/** What brings the fleet in line with the settings, this machine connected whenever it is new. The heavy parts are loaded here, after the views have been shown. */
function filler(context: ExtensionContext, { fleet, settings, log }: Filling): () => Promise<void> {
  const lock = new KeyedLock();
  return () =>
    lock.run('fill', async () => {
      const before = findHost(fleet, 'local')?.host;
      const { hostFactory } = await import('./host-factory.ts');
      const { extensionUri, globalStorageUri, secrets } = context;
      const make = hostFactory({ settings, extensionUri, storageUri: globalStorageUri, secrets, log });
      const local = settings.local();
      // A host is made anew when what the settings say of it, or of SSH for those that use it, has changed.
      const sign = (setting: unknown) => JSON.stringify(setting);
      await fleet.arrange([
        ...(local ? [{ id: 'local', kind: 'local' as const, made: sign(local), make: () => make.local(local) }] : []),
        ...settings.ssh().map((setting) => ({
          id: sshHostId(setting.target),
          kind: 'ssh' as const,
          made: sign([setting, settings.sshConfigFile()]),
          make: () => make.ssh(setting),
        })),
      ]);
      if (findHost(fleet, 'local')?.host !== before) void connectLocal(fleet, log);
    });
}

/** This machine costs nothing to connect to; a failure shows in its row, where it can be tried again. */
async function connectLocal(fleet: Fleet, log: LogOutputChannel): Promise<void> {
  const local = findHost(fleet, 'local')?.host;
  try {
    await local?.connect(new AbortController().signal, (step) => log.info(`${local.label}: ${step}`));
  } catch (failure) {
    log.warn(messageOf(failure));
  }
}
