import type { Disposable } from '../base/lifetime.ts';
import type { EngineKind, Host } from './hosts/contract.ts';

/**
 * What trees, commands and panels read: every host with its engines' containers and images, as the models hold them.
 * Values are immutable; a change brings new ones. `FleetOfModels` (fleet-of-models.ts) makes it from the hosts' models.
 */
export interface Fleet {
  /** In the order of the settings, this machine first. */
  readonly hosts: readonly FleetHost[];
  onDidChange(listener: (change: FleetChange) => void): Disposable;
  /**
   * Live usage of a running container, for as long as the returned handle is not disposed; one stream serves all
   * listeners of a container.
   */
  watchUsage(target: ObjectRef, listener: (usage: LiveUsage) => void): Disposable;
  /** Reads the lists of one host, or of all, anew. */
  refresh(hostId?: string): Promise<void>;
}

export interface FleetHost {
  readonly host: Host;
  readonly kind: 'local' | 'ssh';
  /** Engines that answered; empty when not connected. */
  readonly engines: readonly EngineView[];
}

export interface EngineView {
  readonly engine: EngineKind;
  readonly containers: readonly ContainerView[];
  readonly images: readonly ImageView[];
  readonly volumes: readonly VolumeView[];
  /** What it does not tell, though it answers; empty when all is well. */
  readonly problems: readonly EngineProblem[];
}

/** A list that an engine refuses or garbles: what was known before stays in the views. */
export interface EngineProblem {
  readonly of: 'containers' | 'images' | 'volumes' | 'events';
  readonly why: Error;
}

/** Names one object of one engine of one host. */
export interface ObjectRef {
  readonly host: string;
  readonly engine: EngineKind;
  readonly id: string;
}

/** What consists of layers: an image, or a container, which is one layer more on those of its image. */
export interface Layered extends ObjectRef {
  /** Absent: an image. */
  readonly object?: 'container' | 'image' | 'volume';
}

export interface ContainerView extends ObjectRef {
  readonly name: string;
  /** As the user named it. */
  readonly image: string;
  readonly imageId: string;
  readonly command: string;
  readonly state: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  /** Of the last life; absent while it runs and when never started. */
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  /** What its health check says; absent without one. */
  readonly health?: 'starting' | 'healthy' | 'unhealthy';
  /** Names of the volumes that it mounts. */
  readonly volumes: readonly string[];
  /** Ports of the host that lead into it: `8080:80`, those of TCP, sorted. */
  readonly ports: readonly string[];
  /** Names of its networks, sorted. */
  readonly networks: readonly string[];
  readonly labels: Labels;
}

export type Labels = Readonly<Record<string, string>>;

export interface ImageView extends ObjectRef {
  /** Names with tag; empty for a dangling image. */
  readonly tags: readonly string[];
  /** Bytes. */
  readonly size: number;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly labels: Labels;
}

/** A volume; its id is its name. */
export interface VolumeView extends ObjectRef {
  readonly driver: string;
  /** The engine made up its name. */
  readonly anonymous: boolean;
}

export interface LiveUsage {
  /** Percent of one CPU. */
  readonly cpuPercent: number;
  /** Bytes. */
  readonly memory: number;
  readonly memoryLimit?: number;
}

/**
 * What changed, so that views refresh no more than that. `structure`: rows came or went. `execs`: commands began or ended
 * in containers that are otherwise as they were; `problems`: an engine tells less than it should, or all of it again.
 */
export interface FleetChange {
  readonly kind: 'hosts' | 'host-state' | 'containers' | 'images' | 'volumes' | 'execs' | 'problems';
  readonly structure: boolean;
  /** Keys (`keyOf`) of the objects whose values changed. */
  readonly keys: readonly string[];
}

/** Stable across refreshes, restarts and renames. */
export const keyOf = (ref: { host: string; engine: string; id: string }): string =>
  `${ref.host}/${ref.engine}/${ref.id}`;

export function findHost(fleet: Fleet, id: string): FleetHost | undefined {
  return fleet.hosts.find((entry) => entry.host.id === id);
}

/** How a host is called in the UI, also one that is no longer in the fleet. */
export const hostLabel = (fleet: Fleet, id: string): string => findHost(fleet, id)?.host.label ?? id;

export function findEngine(fleet: Fleet, ref: Omit<ObjectRef, 'id'>): EngineView | undefined {
  return findHost(fleet, ref.host)?.engines.find((view) => view.engine === ref.engine);
}

export function findContainer(fleet: Fleet, ref: ObjectRef): ContainerView | undefined {
  return findEngine(fleet, ref)?.containers.find((container) => container.id === ref.id);
}

export function findImage(fleet: Fleet, ref: ObjectRef): ImageView | undefined {
  return findEngine(fleet, ref)?.images.find((image) => image.id === ref.id);
}

export function findVolume(fleet: Fleet, ref: ObjectRef): VolumeView | undefined {
  return findEngine(fleet, ref)?.volumes.find((volume) => volume.id === ref.id);
}

/** How a volume is called in the UI: 64 digits say no more than twelve. */
export const volumeName = ({ id, anonymous }: VolumeView): string => (anonymous ? shortId(id) : id);

/** How an image is called in the UI. */
export const imageName = (image: ImageView): string => image.tags[0] ?? shortId(image.id);

/** Twelve digits, as the docker command shows them. */
export const shortId = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);
