import type { Duplex } from 'node:stream';
import type Dockerode from 'dockerode';
import type { Phrase } from '../../base/phrases.ts';

/** Which container engine on a host: our agent, or an engine that was there before. */
export type EngineKind = 'porthole' | 'docker' | 'podman';

/**
 * A Linux host, whether this machine or one behind SSH; both pass the same test suite.
 *
 * Lifecycle: `disconnected` -> `connecting` -> `connected` -> `disconnected` (with the error, when there was one).
 * `connect` brings the agent to the host, starts it when it does not run, and opens the one channel that everything
 * else goes through.
 *
 * @example
 * const host = new SshHost({ id: 'web', target: 'root@web' }, services);
 * await host.connect(signal);
 * const docker = host.engine('porthole');
 * await docker.listContainers({ all: true });
 */
export interface Host {
  /** Stable: 'local' or 'ssh:NAME'. */
  readonly id: string;
  readonly label: string;
  readonly state: HostState;
  onDidChange(listener: (state: HostState) => void): { dispose(): void };
  /** Idempotent; concurrent calls share one attempt. `progress` is told each step. */
  connect(signal: AbortSignal, progress?: (step: Phrase) => void): Promise<void>;
  disconnect(): Promise<void>;
  /** A Docker Engine client whose every request and stream goes through this host's channel. @throws unavailable when not connected. */
  engine(kind: EngineKind): Dockerode;
  /** A raw connection to an engine's socket. */
  dial(kind: EngineKind): Duplex;
  /** A raw connection to a port of the host's loopback. */
  dialPort(port: number): Duplex;
  /** `GET` below /porthole/v1 as JSON; `POST` when there is a question to send, as JSON too. */
  porthole(path: string, options?: { signal?: AbortSignal; question?: object }): Promise<unknown>;
  /** `GET` below /porthole/v1 as bytes: file contents. @throws invalid above `limit` bytes. */
  portholeBytes(path: string, options: { limit: number; signal?: AbortSignal }): Promise<Uint8Array>;
  /** Sends below /porthole/v1 and forgets the answer; `body` becomes the whole content of a file. */
  portholeSend(method: 'PUT' | 'POST' | 'DELETE', path: string, options?: SendOptions): Promise<void>;
}

export interface SendOptions {
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
}

export type HostState =
  | { readonly kind: 'disconnected'; readonly error?: Error }
  | { readonly kind: 'connecting'; readonly step: Phrase }
  | { readonly kind: 'connected'; readonly version: string; readonly kernel: string; readonly architecture: string };
