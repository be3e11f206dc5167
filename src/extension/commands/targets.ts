import { l10n, type QuickPickItem, window } from 'vscode';
import { PortholeError } from '../../base/errors.ts';
import {
  type ContainerView,
  type Fleet,
  type FleetHost,
  findContainer,
  findHost,
  findImage,
  findVolume,
  hostLabel,
  type ImageView,
  imageName,
  type ObjectRef,
  shortId,
  type VolumeView,
  volumeName,
} from '../fleet.ts';
import type { EngineKind, Host } from '../hosts/contract.ts';
import { engineName } from '../hosts/problems.ts';
import { containerLook, hostLook } from '../tree/appearance.ts';
import { isOffered } from './manifest.ts';
import { type CommandId, rowOf } from './rows.ts';

/** Turns what a command was called with into what it acts on: the selected rows, or a choice from a picker. */
export class Targets {
  readonly #fleet: Fleet;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  async containers(id: CommandId, item: unknown, items: unknown): Promise<ContainerView[]> {
    const refs = refsOf('container', item, items);
    const fits = (container: ContainerView) => isOffered(rowOf(id), container.state, container.engine);
    if (refs.length > 0) {
      const found = refs.map((ref) => findContainer(this.#fleet, ref)).filter((one) => one !== undefined);
      if (found.length === 0) throw noLongerThere();
      // With several selected, those that the verb does not fit are left alone, as in a file list.
      return found.filter(fits);
    }
    const all = this.#fleet.hosts.flatMap(({ engines }) => engines.flatMap((view) => view.containers)).filter(fits);
    const picked = await pick(all, l10n.t('Choose a container'), (container) => ({
      label: container.name,
      description: `${containerLook(container).words} · ${container.image}`,
      detail: this.#where(container),
    }));
    return picked ? [picked] : [];
  }

  async container(id: CommandId, item: unknown): Promise<ContainerView | undefined> {
    return (await this.containers(id, item, undefined))[0];
  }

  async images(id: CommandId, item: unknown, items: unknown): Promise<ImageView[]> {
    const refs = refsOf('image', item, items);
    if (refs.length > 0) {
      const found = refs.map((ref) => findImage(this.#fleet, ref)).filter((one) => one !== undefined);
      if (found.length === 0) throw noLongerThere();
      return found;
    }
    const row = rowOf(id);
    const all = this.#fleet.hosts
      .flatMap(({ engines }) => engines.flatMap((view) => view.images))
      .filter((image) => isOffered(row, image.tags.length > 0 ? 'tagged' : 'dangling', image.engine));
    const picked = await pick(all, l10n.t('Choose an image'), (image) => ({
      label: imageName(image),
      description: shortId(image.id),
      detail: this.#where(image),
    }));
    return picked ? [picked] : [];
  }

  async image(id: CommandId, item: unknown): Promise<ImageView | undefined> {
    return (await this.images(id, item, undefined))[0];
  }

  async volumes(id: CommandId, item: unknown, items: unknown): Promise<VolumeView[]> {
    const refs = refsOf('volume', item, items);
    if (refs.length > 0) {
      const found = refs.map((ref) => findVolume(this.#fleet, ref)).filter((one) => one !== undefined);
      if (found.length === 0) throw noLongerThere();
      return found;
    }
    const row = rowOf(id);
    const all = this.#fleet.hosts
      .flatMap(({ engines }) => engines.flatMap((view) => view.volumes))
      .filter((volume) => row.engines?.includes(volume.engine) ?? true);
    const picked = await pick(all, l10n.t('Choose a volume'), (volume) => ({
      label: volumeName(volume),
      description: volume.driver,
      detail: this.#where(volume),
    }));
    return picked ? [picked] : [];
  }

  async volume(id: CommandId, item: unknown): Promise<VolumeView | undefined> {
    return (await this.volumes(id, item, undefined))[0];
  }

  async host(id: CommandId, item: unknown): Promise<FleetHost | undefined> {
    const hostId = hostOf(item);
    if (hostId !== undefined) return findHost(this.#fleet, hostId);
    const row = rowOf(id);
    const all = this.#fleet.hosts.filter(({ host, kind }) => isOffered(row, host.state.kind, kind));
    return this.#pickHost(all);
  }

  /** Where something new is to go: the one connected host, or a choice of several. */
  async connectedHost(item: unknown): Promise<FleetHost> {
    const hostId = hostOf(item);
    const named = hostId === undefined ? undefined : findHost(this.#fleet, hostId);
    if (named) return named;
    const connected = this.#fleet.hosts.filter(({ host }) => host.state.kind === 'connected');
    if (connected.length === 0) throw new PortholeError('unavailable', l10n.t('No host is connected.'));
    const chosen = connected.length === 1 ? connected[0] : await this.#pickHost(connected);
    if (!chosen) throw new PortholeError('canceled', l10n.t('No host was chosen.'));
    return chosen;
  }

  /** The engine that something new is to be on: of the group that was clicked, else Porthole's of a connected host. */
  async connectedEngine(item: unknown): Promise<{ host: Host; engine: EngineKind }> {
    const { host, engines } = await this.connectedHost(item);
    const named = engineOfGroup(item);
    const engine = named ?? engines[0]?.engine;
    if (!engine) throw new PortholeError('unavailable', l10n.t('No engine answers on {0}.', host.label));
    return { host, engine };
  }

  #pickHost(hosts: readonly FleetHost[]): Promise<FleetHost | undefined> {
    return pick(hosts, l10n.t('Choose a host'), ({ host }) => ({
      label: host.label,
      description: hostLook(host.state).words,
    }));
  }

  #where(ref: ObjectRef): string {
    return `${hostLabel(this.#fleet, ref.host)} · ${engineName(ref.engine)}`;
  }
}

async function pick<T>(
  values: readonly T[],
  placeHolder: string,
  show: (value: T) => QuickPickItem,
): Promise<T | undefined> {
  if (values.length === 0) {
    void window.showInformationMessage(l10n.t('There is nothing that this command could act on.'));
    return undefined;
  }
  const rows = values.map((value) => ({ ...show(value), value }));
  return (await window.showQuickPick(rows, { placeHolder, matchOnDescription: true }))?.value;
}

/** The refs of the rows that a context menu passed. Commands can be called by anyone: what is passed is looked at. */
function refsOf(type: 'container' | 'image' | 'volume', item: unknown, items: unknown): ObjectRef[] {
  const rows: readonly unknown[] = Array.isArray(items) && items.length > 0 ? items : [item];
  return rows.map((row) => refOf(type, row)).filter((ref) => ref !== undefined);
}

function refOf(type: 'container' | 'image' | 'volume', row: unknown): ObjectRef | undefined {
  if (typeof row !== 'object' || row === null || !('type' in row) || row.type !== type || !('ref' in row)) {
    return undefined;
  }
  const { ref } = row;
  if (typeof ref !== 'object' || ref === null || !('host' in ref && 'engine' in ref && 'id' in ref)) return undefined;
  const { host, engine, id } = ref;
  if (typeof host !== 'string' || typeof id !== 'string') return undefined;
  if (engine !== 'porthole' && engine !== 'docker' && engine !== 'podman') return undefined;
  return { host, engine, id };
}

function hostOf(row: unknown): string | undefined {
  if (typeof row !== 'object' || row === null) return undefined;
  if ('hostId' in row && typeof row.hostId === 'string') return row.hostId;
  return 'type' in row && row.type === 'group' && 'host' in row && typeof row.host === 'string' ? row.host : undefined;
}

function engineOfGroup(row: unknown): EngineKind | undefined {
  if (typeof row !== 'object' || row === null || !('engine' in row)) return undefined;
  const { engine } = row;
  return engine === 'porthole' || engine === 'docker' || engine === 'podman' ? engine : undefined;
}

const noLongerThere = () => new PortholeError('not-found', l10n.t('That is no longer there.'));
