import type { StepRecord } from '../../protocol/builds.ts';
import type { Containers } from '../container/contract.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Shims } from '../shim/contract.ts';
import type { ImageStore } from '../store/contract.ts';
import type { BuildContext } from './context.ts';
import type { BuildRequest, ImageSource } from './contract.ts';
import type { Workspace } from './workspace.ts';

/** What builds are made with; given by the composition root. */
export interface BuilderParts {
  readonly dataRoot: string;
  readonly images: ImageStore;
  readonly containers: Containers;
  readonly shims: Shims;
  readonly host: HostFacts;
  /** Absent: images come by load and import only. */
  readonly source?: ImageSource;
}

/** One build, as all its stages see it. */
export interface BuildJob {
  readonly parts: BuilderParts;
  readonly request: BuildRequest;
  readonly context: BuildContext;
  readonly workspace: Workspace;
  readonly escapeToken: string;
  /** How many there are in all. */
  readonly steps: number;
  /** Asked for; undefined: the machine's. */
  readonly platform: { readonly os: string; readonly architecture: string } | undefined;
  record(step: StepRecord): void;
}
