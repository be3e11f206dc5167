/**
 * A client of registries by the OCI distribution specification, as dockerd is one.
 *
 * Vocabulary
 * - An **endpoint** is one address under which a registry is asked: a mirror, `https://HOST`, or `http://HOST` for one
 *   that is called insecure.
 * - A **session** is one repository at one endpoint with somebody's credentials; it gets and renews tokens by itself.
 *
 * Nothing of a pull is visible before all of it is there and is what its digests say. Whoever goes away ends the pull;
 * what has arrived by then the store keeps, also when the agent ends, and it is not asked for again.
 *
 * @example
 * const { id, digest } = await registry.pull('busybox', { progress: (line) => console.log(line), signal });
 */
export interface Registry extends ImageSource {
  /** How registries are reached. */
  readonly options: RegistryOptions;

  /** Every tag of a repository. @throws as `pull` */
  pullAll(name: string, options: PullOptions): Promise<readonly PulledImage[]>;

  /**
   * Sends an image to the repository that its name tells; without a tag every tag of the repository that is here.
   * @throws not-found when there is no such image here; unauthorized, forbidden, unavailable; canceled.
   */
  push(reference: string, options: TransferOptions): Promise<readonly PushedImage[]>;

  /** What a registry has under a name, without pulling it. @throws as `pull` */
  inspect(reference: string, options: Omit<TransferOptions, 'progress'>): Promise<RemoteImage>;

  /**
   * Asks a registry whether it knows somebody.
   * @returns an identity token to be kept instead of the password, where the registry's token server gives one.
   * @throws unauthorized when it says no; invalid for what is no address; unavailable when it cannot be asked.
   */
  login(
    credentials: Credentials,
    options: { readonly signal: AbortSignal },
  ): Promise<{ readonly identityToken: string }>;
}

/** Where an image comes from that is not here: what a builder needs for FROM. */
export interface ImageSource {
  /**
   * Brings an image by name; without a tag and digest `latest` is meant. What is here already is not fetched again.
   * @throws not-found (the registry has no such image, or hides it); invalid for a broken name, manifest, layer or
   * lying digest; unauthorized; unsupported; unavailable; canceled.
   */
  pull(reference: string, options: PullOptions): Promise<PulledImage>;
}

export interface TransferOptions {
  readonly auth?: Credentials;
  /** Told each line of Docker's progress stream, in order. */
  readonly progress?: (line: ProgressLine) => void;
  readonly signal: AbortSignal;
}

export interface PullOptions extends TransferOptions {
  /** As `linux/arm/v7`; the engine's own when undefined. */
  readonly platform?: string;
}

export interface PulledImage {
  /** 'sha256:...' of its config. */
  readonly id: string;
  /** Familiar name with the tag or digest that was asked for. */
  readonly name: string;
  /** 'sha256:...' of what the registry has under the name: a manifest or an index. */
  readonly digest: string;
  /** False when the name meant this image before. */
  readonly isNew: boolean;
}

export interface PushedImage {
  readonly id: string;
  readonly name: string;
  /** 'sha256:...' of its manifest. */
  readonly digest: string;
  /** Bytes of its manifest. */
  readonly size: number;
}

/** `GET /distribution/{name}/json`. */
export interface RemoteImage {
  readonly Descriptor: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly Platforms: readonly { readonly architecture: string; readonly os: string; readonly variant?: string }[];
}

/** As in `X-Registry-Auth` and `POST /auth`. */
export interface Credentials {
  readonly username?: string;
  readonly password?: string;
  /** A refresh token that a token server gave at login. */
  readonly identityToken?: string;
  /** A bearer token for the registry itself. */
  readonly registryToken?: string;
  /** Host with or without a scheme and a path, as `docker login` got it. */
  readonly serverAddress?: string;
}

/** One line of Docker's progress stream. */
export type ProgressLine =
  | { readonly status: string; readonly id?: string }
  | {
      readonly status: string;
      readonly progressDetail: { readonly current?: number; readonly total?: number };
      readonly progress?: string;
      readonly id: string;
    }
  | { readonly progressDetail: object; readonly aux: object };

/** How registries are reached; dockerd's flags of the same names. */
export interface RegistryOptions {
  /** `HOST[:PORT]` or networks as `10.0.0.0/8`: certificates are not checked, and plain HTTP is tried after HTTPS. */
  readonly insecure: readonly string[];
  /** Addresses that are asked before Docker Hub. */
  readonly mirrors: readonly string[];
  /** A directory as /etc/docker/certs.d: `HOST[:PORT]/*.crt` are roots, `*.cert` with `*.key` show who we are. */
  readonly certificates: string;
  readonly maxDownloads: number;
  readonly maxUploads: number;
  /** How often a layer is tried before a pull gives up. */
  readonly maxAttempts: number;
}

export const defaultRegistryOptions: RegistryOptions = {
  insecure: [],
  mirrors: [],
  certificates: '/etc/docker/certs.d',
  maxDownloads: 3,
  maxUploads: 5,
  maxAttempts: 5,
};
