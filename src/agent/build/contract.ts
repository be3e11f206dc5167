import type { Readable } from 'node:stream';
import type { BuildRecord, StepRecord } from '../../protocol/builds.ts';
import type { HostConfig } from '../../protocol/docker.ts';
import type { Credentials, ProgressLine } from '../registry/contract.ts';
import type { ImageRecord } from '../store/contract.ts';

/**
 * Images made from a Dockerfile, step by step, as Docker's classic builder does it.
 *
 * Vocabulary
 * - A **context** is the tree of files that COPY and ADD take from; it comes as a tar and is never unpacked: its bytes are
 *   kept in one file, its entries in memory.
 * - A **stage** is what one FROM begins. Stages that need nothing of each other are built at the same time; what they say
 *   comes in the order of the Dockerfile.
 * - A **step** is one instruction. It finds the image that the same instruction made before (the cache), or makes one.
 *
 * Nothing of a build but its images is left behind, whether it ends well, fails, is canceled or is cut off by a crash.
 */
export interface Builder {
  /**
   * Builds an image and names it. What a user is told goes to `output`; a failure is thrown after that.
   * @throws DockerfileFailure for what is wrong in the Dockerfile; StepFailure; canceled; whatever a step's parts throw.
   */
  build(request: BuildRequest, output: BuildOutput, signal: AbortSignal): Promise<string>;
  /** Builds of the last time, newest first. */
  builds(): readonly BuildRecord[];
  /** Resolves when what is known of builds is on the disk. */
  settled(): Promise<void>;
  /** The steps that made an image and its parents, the first one first. Steps of builds that are forgotten are left out. */
  stepsOf(image: ImageRecord): readonly StepRecord[];
}

export interface BuildRequest {
  /** A tar, compressed or not; or the address of one or of a Dockerfile, which the engine fetches. */
  readonly context: Readable | string;
  /** Path in the context. */
  readonly dockerfile: string;
  readonly tags: readonly string[];
  /** Name or number of the last stage; '' is the last one. */
  readonly target: string;
  /** Undefined: named without a value, which leaves what the Dockerfile says. */
  readonly buildArgs: ReadonlyMap<string, string | undefined>;
  readonly labels: Readonly<Record<string, string>>;
  readonly noCache: boolean;
  /** Bring base images again although they are there. */
  readonly pull: boolean;
  readonly cacheFrom: readonly string[];
  /** Containers of steps that went well go. */
  readonly remove: boolean;
  /** Those of steps that failed too. */
  readonly forceRemove: boolean;
  /** '' or for example 'linux/amd64'. */
  readonly platform: string;
  /** Limits, network and names for the containers of RUN. */
  readonly hostConfig: HostConfig;
  /** Who asks a registry. @param host of the registry, 'docker.io' for Docker's own */
  credentials(host: string): Credentials | undefined;
}

/** What the user of a build is told, in the order of the Dockerfile. */
export interface BuildOutput {
  stdout(text: string): void;
  stderr(text: string): void;
  /** Resolves when more can be taken. @throws when the signal aborts */
  ready(signal: AbortSignal): Promise<void>;
  /** How far an image has come that is being brought. */
  progress(line: ProgressLine): void;
  /** Id of a stage's image. */
  image(id: string): void;
}
