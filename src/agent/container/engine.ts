import { join } from 'node:path';
import type { KeyedLock } from '../../base/async.ts';
import type { HostConfig } from '../../protocol/docker.ts';
import type { HistoryEvent } from '../../protocol/history.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Shims } from '../shim/contract.ts';
import type { ImageStore } from '../store/contract.ts';
import type { Volumes } from '../volume/contract.ts';
import type { Container } from './container.ts';
import type { ContainerRecord } from './contract.ts';
import type { EventHub } from './events.ts';
import type { Exec } from './exec.ts';
import type { DiskHistory } from './history.ts';
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
  /** How long the history of a container outlives it; 7 unless told. */
  readonly historyDays?: number;
  /** Told at the start of what on the disk cannot be read; it is left out, and stays as it is. */
  readonly report?: (problem: string) => void;
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
  readonly history: DiskHistory;
  /** Starts a container whose lock is held. */
  start(container: Container): Promise<void>;
  /** Aborts when the agent shuts down; containers go on. */
  readonly closing: AbortSignal;
}

export function containersRoot(parts: Pick<EngineParts, 'dataRoot'>): string {
  return join(parts.dataRoot, 'containers');
}

const plainEvents: Readonly<Record<string, HistoryEvent>> = {
  pause: { event: 'paused' },
  unpause: { event: 'unpaused' },
  stop: { event: 'stopped' },
  restart: { event: 'restarted' },
  update: { event: 'updated' },
  destroy: { event: 'removed' },
  oom: { event: 'out-of-memory' },
};

/** What of an action is to be remembered. Creation, start and end tell more than their events and are added where they happen. */
function historyOf(action: string, attributes: Readonly<Record<string, string>>): HistoryEvent | undefined {
  if (action === 'kill') return { event: 'signaled', signal: Number(attributes['signal']) };
  if (action === 'rename') return { event: 'renamed', oldName: (attributes['oldName'] ?? '').slice(1) };
  const [, status] = /^health_status: (starting|healthy|unhealthy)$/.exec(action) ?? [];
  if (status === 'starting' || status === 'healthy' || status === 'unhealthy') return { event: 'health', status };
  return plainEvents[action];
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
  const past = historyOf(action, attributes);
  if (past) engine.history.add(record, past);
}

/** What every event of a container tells: its labels, image and name. */
export function eventAttributes(record: ContainerRecord): Record<string, string> {
  return { ...record.config.Labels, image: record.image, name: record.name };
}
