/** `GET /porthole/v1/builds`: what was built, newest first. */
export interface BuildRecord {
  readonly id: string;
  readonly tags: readonly string[];
  /** RFC 3339 */
  readonly started: string;
  readonly milliseconds: number;
  /** 'sha256:...' of the image; absent: it failed. */
  readonly imageId?: string;
  readonly error?: string;
  readonly steps: readonly StepRecord[];
}

/** One instruction of a Dockerfile and what came of it. */
export interface StepRecord {
  /** Number of the stage, from 0, and its name where it has one. */
  readonly stage: number;
  readonly stageName?: string;
  /** As dockerd counts steps, from 1. */
  readonly step: number;
  /** As written; of a trigger, the trigger. */
  readonly instruction: string;
  /** Lines of the Dockerfile, from 1, both included. */
  readonly lines: { readonly start: number; readonly end: number };
  /** The image after the step; '' for FROM scratch. */
  readonly imageId: string;
  /** The layer that it made; absent: it changed the config alone. */
  readonly layer?: { readonly chainId: string; readonly diffId: string };
  /** RFC 3339 */
  readonly started: string;
  readonly milliseconds: number;
  readonly cached: boolean;
}

/** Beside `errorDetail` in the last line of a build that failed: where. */
export interface BuildProblem {
  readonly lines?: { readonly start: number; readonly end: number };
  readonly step?: number;
  /** What may be the reason. */
  readonly hint?: string;
}
