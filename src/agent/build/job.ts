import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { StepRecord } from '../../protocol/builds.ts';
import type { Containers } from '../container/contract.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { ImageSource } from '../registry/contract.ts';
import type { Shims } from '../shim/contract.ts';
import type { ImageStore } from '../store/contract.ts';
import type { BuildContext } from './context.ts';
import type { BuildRequest } from './contract.ts';
import type { Workspace } from './workspace.ts';

/** What builds are made with; given by the composition root. */
export interface BuilderParts {
  readonly dataRoot: string;
  readonly images: ImageStore;
  readonly containers: Containers;
  readonly shims: Shims;
  readonly host: HostFacts;
  /** Told of what cannot be written or read. */
  readonly report?: (problem: string) => void;
  /** Follows redirections. @throws unavailable when there is no answer; canceled */
  fetch(address: string, signal: AbortSignal): Promise<WebAnswer>;
  /** Brings images that are not here. */
  readonly source: ImageSource;
}

/** What a web server says; the body has to be read or destroyed. */
export interface WebAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
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
