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
import { notAsItIs } from './not-as-it-is.ts';
import { engineOfGroup, hostOf, refsOf } from './row-refs.ts';
import { type CommandId, rowOf } from './rows.ts';

/** Turns what a command was called with into what it acts on: the selected rows, or a choice from a picker. */
export class Targets {
  readonly #fleet: Fleet;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  async containers(id: CommandId, item: unknown, items: unknown): Promise<ContainerView[]> {
    const refs = refsOf('container', item, items);
    const { trait } = rowOf(id);
    const fits = (container: ContainerView) =>
      isOffered(rowOf(id), container.state, container.engine) && (trait === undefined || container.ports.length > 0);
    if (refs.length > 0) {
      const found = refs.map((ref) => findContainer(this.#fleet, ref)).filter((one) => one !== undefined);
      if (found.length === 0) throw noLongerThere();
      // With several selected, those that the verb does not fit are left alone, as in a file list.
      const fitting = found.filter(fits);
      if (fitting.length === 0) throw notAsItIs(this.#fleet, id, found);
      return fitting;
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

  /** An image to run: a row's, one of those that are there, or any other by its name. */
  async runnable(item: unknown): Promise<{ host: Host; engine: EngineKind; image: string } | undefined> {
    const [given] = refsOf('image', item, undefined);
    if (given) return this.#placed(findImage(this.#fleet, given));
    const images = this.#fleet.hosts.flatMap(({ engines }) => engines.flatMap((view) => view.images));
    const rows = images.map((image) => ({
      label: imageName(image),
      description: shortId(image.id),
      detail: this.#where(image),
      image,
    }));
    const other = { label: l10n.t('Another Image…'), description: l10n.t('by its name'), image: undefined };
    const placeHolder = l10n.t('Choose an image');
    const chosen = await window.showQuickPick([...rows, other], { placeHolder, matchOnDescription: true });
    if (!chosen) return undefined;
    if (chosen.image) return this.#placed(chosen.image);
    const title = l10n.t('Which image shall run?');
    const name = (await window.showInputBox({ title, placeHolder: 'registry.example.com/name:tag' }))?.trim();
    return name ? { ...(await this.connectedEngine(undefined)), image: name } : undefined;
  }

  #placed(image: ImageView | undefined): { host: Host; engine: EngineKind; image: string } {
    const host = image && findHost(this.#fleet, image.host)?.host;
    if (!host) throw noLongerThere();
    return { host, engine: image.engine, image: image.tags[0] ?? image.id };
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

const noLongerThere = () => new PortholeError('not-found', l10n.t('That is no longer there.'));
