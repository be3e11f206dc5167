/** Another container engine of the host, as `GET /porthole/v1/engines` lists it. */
export interface OtherEngine {
  readonly engine: OtherEngineName;
  /** Path of its API's unix socket; absent: nobody listens, and its images are read where they lie. */
  readonly socket?: string;
  /** As the engine says it. */
  readonly version?: string;
  readonly storageDriver?: string;
  /** Where its images lie. */
  readonly dataRoot?: string;
  /**
   * How its layers are read: `in place`, or `saved`: out of the archive that the engine writes for `docker save`, as often
   * as a file is asked for. `not at all`: it is there and does not answer as an engine does.
   */
  readonly layers: 'in place' | 'saved' | 'not at all';
  /** Why not in place, or not at all. */
  readonly reason?: string;
}

export type OtherEngineName = 'docker' | 'podman';

export const otherEngineNames: readonly OtherEngineName[] = ['docker', 'podman'];
