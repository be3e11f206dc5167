/** One entry of `GET /porthole/v1/volumes`, sorted by name. */
export interface VolumeView {
  readonly name: string;
  /** Absolute, on the host. */
  readonly mountpoint: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** The engine made up the name: it goes with its container when asked. */
  readonly anonymous: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** type, device, o: what is mounted there while somebody uses it. */
  readonly options: Readonly<Record<string, string>>;
  /** Bytes of its files as they say, hard links once, and as they take up on the disk. Absent for a device of its own. */
  readonly size?: { readonly apparent: number; readonly disk: number };
  readonly users: readonly VolumeUser[];
}

/** A container that mounts a volume, running or not. */
export interface VolumeUser {
  readonly container: string;
  readonly name: string;
  readonly destination: string;
  readonly rw: boolean;
  /** Path below the volume that is mounted instead of the whole. */
  readonly subpath?: string;
  readonly running: boolean;
}
