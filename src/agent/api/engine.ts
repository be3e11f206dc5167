import type { AgentInfo } from '../../protocol/porthole.ts';
import type { Builder } from '../build/contract.ts';
import type { Containers } from '../container/contract.ts';
import type { EventHub } from '../container/events.ts';
import type { OtherEngines } from '../engines/contract.ts';
import type { CgroupLens } from '../inspect/cgroups.ts';
import type { HostDescription } from '../inspect/host.ts';
import type { ReadLineages } from '../inspect/survey.ts';
import type { UsageRecorder } from '../inspect/usage-recorder.ts';
import type { Registry } from '../registry/contract.ts';
import type { ImageStore } from '../store/contract.ts';
import type { Volumes } from '../volume/contract.ts';

/** What the routes need of the engine; `main.ts` composes it, tests give their own. */
export interface Engine {
  readonly containers: Containers;
  readonly images: ImageStore;
  readonly registry: Registry;
  readonly volumes: Volumes;
  readonly builder: Builder;
  /** Other engines of this host. */
  readonly engines: OtherEngines;
  readonly events: EventHub;
  readonly agent: AgentInfo;
  /** Of containers that name none; absent: json-file. */
  readonly loggingDriver?: string;
  /** Ends the agent for a successor, and leaves it the containers. Resolves when nothing listens any more. */
  retire(): Promise<void>;
  /** Fresh facts about the host. */
  describeHost(): Promise<HostDescription>;
  readonly cgroups: CgroupLens;
  /** What containers used before now. */
  readonly usage: Pick<UsageRecorder, 'of'>;
  readonly readLineages: ReadLineages;
}
