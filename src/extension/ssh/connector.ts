import type { Duplex } from 'node:stream';
import ssh2, { type Client as SshClient } from 'ssh2';
import { canceled, messageOf, PortholeError } from '../../base/errors.ts';
import { type Phrase, phrase } from '../../base/phrases.ts';
import { Authentication } from './authentication.ts';
import { type ConfigOptions, resolveSettings } from './config.ts';
import { SshConnection } from './connection.ts';
import { HostKeys } from './host-keys.ts';
import { KeyRing } from './key-ring.ts';
import { Patience } from './patience.ts';
import { handshakeFailed, jumpLoop, serverClosed, timedOut } from './problems.ts';
import { dialCommand, dialTcp, whereOf } from './route.ts';
import type { SshServices } from './services.ts';
import type { SshSettings } from './settings.ts';
import { parseTarget, type SshTarget } from './target.ts';

export interface ConnectOptions {
  readonly signal: AbortSignal;
  /** Told each step in words. */
  readonly progress?: (step: Phrase) => void;
}

/** More hops than anybody uses; a configuration that jumps in circles ends here. */
const MOST_HOPS = 8;

/** Opens SSH connections the way `ssh` would. */
export class SshConnector {
  readonly #services: SshServices;
  readonly #config: Omit<ConfigOptions, 'signal'>;
  readonly #hostKeys: HostKeys;

  constructor(services: SshServices, config: Omit<ConfigOptions, 'signal'> = {}) {
    this.#services = services;
    this.#config = config;
    this.#hostKeys = new HostKeys(services.log);
  }

  /**
   * @param target `host`, `user@host:port` or `ssh://...`; names of ~/.ssh/config count.
   * @throws invalid, unavailable, forbidden (host key), unauthorized, canceled
   */
  async connect(target: string, options: ConnectOptions): Promise<SshConnection> {
    return await this.#connect(parseTarget(target), options, { hops: 0 });
  }

  async #connect(
    target: SshTarget,
    options: ConnectOptions,
    route: { readonly hops: number; readonly via?: readonly string[] },
  ): Promise<SshConnection> {
    if (route.hops > MOST_HOPS) throw jumpLoop(target.host);
    const settings = await resolveSettings(target, { ...this.#config, signal: options.signal });
    const jumps = route.via ?? settings.proxyJump;
    const last = jumps.at(-1);
    if (last === undefined) {
      options.progress?.(phrase('Connecting to {0}', whereOf(settings)));
      const command = route.via === undefined ? settings.proxyCommand : undefined;
      const socket = command === undefined ? await dialTcp(settings, options.signal) : dialCommand(settings, command);
      return await this.#login(settings, socket, options);
    }
    const before = jumps.slice(0, -1);
    // The first hop is reached by its own configuration, each later one through the hop before it.
    const jump = await this.#connect(parseTarget(last), options, {
      hops: route.hops + 1,
      ...(before.length > 0 && { via: before }),
    });
    try {
      options.progress?.(phrase('Connecting to {0} through {1}', whereOf(settings), last));
      const socket = await jump.forward(settings.hostName, settings.port, options.signal);
      const connection = await this.#login(settings, socket, options);
      connection.onDidClose(() => jump.close());
      return connection;
    } catch (failure) {
      jump.close();
      throw failure;
    }
  }

  async #login(settings: SshSettings, socket: Duplex, options: ConnectOptions): Promise<SshConnection> {
    const attempt = new AbortController();
    const signal = AbortSignal.any([options.signal, attempt.signal]);
    try {
      return await this.#handshake(settings, socket, { ...options, signal });
    } catch (failure) {
      socket.on('error', () => undefined).destroy();
      if (options.signal.aborted) throw canceled(`Connecting to ${whereOf(settings)}`);
      throw failure;
    } finally {
      // Ends a question that is still open when the connection is not.
      attempt.abort();
    }
  }

  async #handshake(
    settings: SshSettings,
    socket: Duplex,
    { signal, progress }: ConnectOptions,
  ): Promise<SshConnection> {
    const where = whereOf(settings);
    // From the first moment on: a ProxyCommand may fail while known_hosts is still being read.
    let broken: Error | undefined;
    socket.on('error', (error) => {
      broken ??= error;
    });
    const algorithms = await this.#hostKeys.algorithms(settings);
    const client: SshClient = new ssh2.Client();
    let patience: Patience | undefined;
    const services = unhurried(this.#services, (question) => patience?.during(question) ?? question());
    const keys = await KeyRing.open(settings, services, signal);
    signal.throwIfAborted();
    if (broken) throw broken;

    let pending = true;
    const login = new Promise<void>((resolve, reject) => {
      const fail = (problem: unknown) => {
        if (!pending) return;
        pending = false;
        reject(problem);
        client.destroy();
      };
      patience = new Patience(settings.connectTimeout * 1000, () =>
        fail(timedOut(where, settings.connectTimeout, phrase('SSH handshake'))),
      );
      signal.addEventListener('abort', () => fail(signal.reason), { once: true });
      const authentication = new Authentication({ settings, services, keys, signal, onFailed: fail });
      client.on('error', (error) => {
        // An agent that will not sign is one key less, ssh2 goes on with the next.
        if (error.level === 'agent') this.#services.log.warn(`${where}: ${error.message}`);
        else fail(error instanceof PortholeError ? error : handshakeFailed(where, error));
      });
      const closed = () => fail(broken ?? handshakeFailed(where, serverClosed()));
      client.once('close', closed);
      if (socket.destroyed) closed();
      client.once('handshake', () => {
        patience?.renew();
        progress?.(phrase('Logging in to {0} as {1}', where, settings.user));
      });
      client.once('ready', () => {
        pending = false;
        authentication.succeeded().then(resolve, (failure) => {
          this.#services.log.warn(`A secret could not be kept: ${messageOf(failure)}`);
          resolve();
        });
      });
      client.connect({
        sock: socket,
        username: settings.user,
        // Ours, which waits while the user is asked: `patience`.
        readyTimeout: 0,
        keepaliveInterval: 20_000,
        keepaliveCountMax: 3,
        algorithms: { serverHostKey: algorithms },
        authHandler: (left, partial, next) => {
          patience?.renew();
          authentication.handler(left, partial, next);
        },
        hostVerifier: (key: Buffer, verify: (valid: boolean) => void) => {
          this.#hostKeys.check(settings, key, { prompts: services.prompts, signal }).then(
            (problem) => {
              if (problem) fail(problem);
              else verify(true);
            },
            (failure) => fail(failure),
          );
        },
      });
    });
    try {
      await login;
    } finally {
      patience?.stop();
    }
    return new SshConnection(client, settings);
  }
}

/** The same services with questions that do not count as waiting for the server. */
function unhurried(services: SshServices, during: <T>(question: () => Promise<T>) => Promise<T>): SshServices {
  const { prompts } = services;
  return {
    ...services,
    prompts: {
      confirmHostKey: (question, signal) => during(() => prompts.confirmHostKey(question, signal)),
      askSecret: (question, signal) => during(() => prompts.askSecret(question, signal)),
    },
  };
}
