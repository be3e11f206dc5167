import { join } from 'node:path';
import type { KeyedLock } from '../../base/async.ts';
import type { HostConfig } from '../../protocol/docker.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Shims } from '../shim/contract.ts';
import type { ImageStore } from '../store/contract.ts';
import type { Volumes } from '../volume/contract.ts';
import type { Container } from './container.ts';
import type { ContainerRecord } from './contract.ts';
import type { EventHub } from './events.ts';
import type { Exec } from './exec.ts';
import type { Registry } from './registry.ts';
import type { Userns } from './userns.ts';

/** What the engine is made of; given by the composition root. */
export interface EngineParts {
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly host: HostFacts;
  readonly images: ImageStore;
  readonly shims: Shims;
  readonly events: EventHub;
  /** The cgroup in which containers' cgroups are made that ask for no other, as `cgroupParentOf` gives it. */
  readonly cgroupParent?: string;
  /** Absent: containers have the engine's ids, whatever they ask for. */
  readonly userns?: Userns;
  /** What holds where a container does not say. */
  readonly defaults?: ContainerDefaults;
}

export interface ContainerDefaults {
  readonly logConfig?: NonNullable<HostConfig['LogConfig']>;
  /** An init of ours as the first process. */
  readonly init?: boolean;
}

/** What every feature of the engine works with. */
export interface Engine extends EngineParts {
  readonly registry: Registry;
  readonly volumes: Volumes;
  /** By container id: one change at a time. */
  readonly locks: KeyedLock;
  readonly execs: Map<string, Exec>;
  /** Names of the capabilities that the agent itself has. */
  readonly available: ReadonlySet<string>;
  /** Account files of images, by image id. */
  readonly accountFiles: Map<string, { readonly passwd: string; readonly group: string }>;
  /** Starts a container whose lock is held. */
  start(container: Container): Promise<void>;
  /** Aborts when the agent shuts down; containers go on. */
  readonly closing: AbortSignal;
}

export function containersRoot(parts: Pick<EngineParts, 'dataRoot'>): string {
  return join(parts.dataRoot, 'containers');
}

/** Announces an action of a container with dockerd's attributes: labels, image and name beside the action's own. */
export function announce(
  engine: Engine,
  container: Container,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  const { record } = container;
  engine.events.announce({
    type: 'container',
    action,
    id: container.id,
    attributes: { ...eventAttributes(record), ...attributes },
  });
}

/** What every event of a container tells: its labels, image and name. */
export function eventAttributes(record: ContainerRecord): Record<string, string> {
  return { ...record.config.Labels, image: record.image, name: record.name };
}
