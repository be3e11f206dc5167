import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Signal } from '../../base/async.ts';
import { canceled, errnoOf, messageOf } from '../../base/errors.ts';
import type { Disposable } from '../../base/lifetime.ts';
import { type Phrase, phrase } from '../../base/phrases.ts';
import { rootlessPlaces, rootPlaces } from '../../protocol/places.ts';
import type { EngineKind } from './contract.ts';
import { type Link, LinkedHost } from './linked-host.ts';
import { agentDidNotStart, agentOfAnother, channelLost, noEngine, noPort, notLinux } from './problems.ts';

export interface LocalHostOptions {
  readonly label?: string;
  /** porthole-agent.cjs; its shim lies beside it. */
  readonly agent: string;
  /** A Node 20 or newer, or Electron; default: the one that runs this. */
  readonly node?: string;
  /** Default: PORTHOLE_DATA_ROOT, else the agent's own. */
  readonly dataRoot?: string;
  /** Default: PORTHOLE_EXEC_ROOT, else the agent's own. */
  readonly execRoot?: string;
  /** Default: PORTHOLE_HOST_SOCKET, else porthole.sock in the exec root. */
  readonly socket?: string;
  /** Sockets of the other engines. */
  readonly sockets?: Partial<Readonly<Record<EngineKind, string>>>;
  /** Default: process.env. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** This machine: the agent's socket is opened directly. The agent is started when nobody answers there, and stays. */
export class LocalHost extends LinkedHost {
  constructor(options: LocalHostOptions) {
    super({
      id: 'local',
      label: options.label ?? 'This machine',
      open: (signal, progress) => openLocal(options, signal, progress),
    });
  }
}

/** How long a start may take; Node itself needs a second on a slow machine. */
const START_LIMIT = 20_000;

async function openLocal(
  options: LocalHostOptions,
  signal: AbortSignal,
  progress: (step: Phrase) => void,
): Promise<Link> {
  const label = options.label ?? 'This machine';
  const env = options.env ?? process.env;
  if (process.platform !== 'linux') throw notLinux(label, process.platform);
  // Without root the agent is the user's own, in the user's own directories.
  const places = process.getuid?.() === 0 ? rootPlaces : rootlessPlaces(env, homedir());
  const execRoot = options.execRoot ?? env['PORTHOLE_EXEC_ROOT'] ?? places.execRoot;
  const dataRoot = options.dataRoot ?? env['PORTHOLE_DATA_ROOT'] ?? places.dataRoot;
  const socket = options.socket ?? env['PORTHOLE_HOST_SOCKET'] ?? path.join(execRoot, 'porthole.sock');
  const sockets = { ...enginesOf(env), ...options.sockets, porthole: socket };
  const found = await answers(socket);
  if (found === 'forbidden') throw agentOfAnother(label);
  if (found === 'yes') {
    try {
      return await LocalLink.open(label, sockets, signal);
    } catch (failure) {
      // It may have been ending just then, and a socket outlives its process for a moment.
      if (signal.aborted || (await answers(socket)) === 'yes') throw failure;
    }
  }
  progress(phrase('Starting the agent'));
  await startAgent({ ...options, label, env, dataRoot, execRoot, socket, signal });
  return await LocalLink.open(label, sockets, signal);
}

type Environment = Readonly<Record<string, string | undefined>>;

const dockerSocket = (env: Environment): string | undefined => /^unix:\/\/(\/.+)$/.exec(env['DOCKER_HOST'] ?? '')?.[1];

const socketOption = (name: 'docker' | 'podman', path: string | undefined): string[] =>
  path === undefined ? [] : [`--${name}`, path];

function enginesOf(env: Environment): Record<'docker' | 'podman', string> {
  const root = process.getuid?.() === 0;
  const own = env['XDG_RUNTIME_DIR'];
  return {
    docker: dockerSocket(env) ?? '/var/run/docker.sock',
    podman: !root && own ? path.join(own, 'podman/podman.sock') : '/run/podman/podman.sock',
  };
}

type Starting = LocalHostOptions &
  Required<Pick<LocalHostOptions, 'label' | 'env' | 'dataRoot' | 'execRoot' | 'socket'>> & {
    readonly signal: AbortSignal;
  };

async function startAgent({ label, env, dataRoot, execRoot, socket, signal, ...options }: Starting): Promise<void> {
  await mkdir(execRoot, { recursive: true, mode: 0o711 });
  const logFile = path.join(execRoot, 'agent.log');
  const log = await open(logFile, 'a', 0o600);
  const before = (await log.stat()).size;
  const args = ['serve', '--data-root', dataRoot, '--exec-root', execRoot, '--host', `unix://${socket}`];
  const engines = [
    ...socketOption('docker', options.sockets?.docker ?? dockerSocket(env)),
    ...socketOption('podman', options.sockets?.podman),
  ];
  const child = spawn(options.node ?? process.execPath, [options.agent, ...args, ...engines], {
    detached: true,
    cwd: '/',
    // To a file: the agent stays when the one who started it goes, and must not lose its standard output then.
    stdio: ['ignore', log.fd, log.fd],
    env: { ...env, ...(process.versions['electron'] && !options.node && { ELECTRON_RUN_AS_NODE: '1' }) },
  });
  child.unref();
  const ended = once(child, 'exit').then(
    () => phrase('it ended.'),
    (failure) => messageOf(failure),
  );
  try {
    const limit = Date.now() + START_LIMIT;
    for (;;) {
      if ((await answers(socket)) === 'yes') return;
      const end = await Promise.race([ended, delay(20, undefined, { signal }).catch(() => 'canceled')]);
      if (signal.aborted) throw canceled('Starting the agent');
      // A second window may have started one at the same time: the one that lost ends, the other answers.
      if (end !== undefined && (await answersSoon(socket))) return;
      if (end !== undefined || Date.now() > limit) {
        const said = (await readFile(logFile, 'utf8')).slice(before).trim().slice(-2000);
        throw agentDidNotStart(label, said || end || phrase('nothing answers on {0}.', socket));
      }
    }
  } catch (failure) {
    if (child.exitCode === null) child.kill();
    throw failure;
  } finally {
    await log.close();
  }
}

async function answersSoon(socket: string): Promise<boolean> {
  for (let attempt = 0; attempt < 10; attempt++) {
    if ((await answers(socket)) === 'yes') return true;
    await delay(50);
  }
  return false;
}

async function answers(socket: string): Promise<'yes' | 'no' | 'forbidden'> {
  const connection = net.connect(socket);
  try {
    await once(connection, 'connect');
    return 'yes';
  } catch (failure) {
    return errnoOf(failure) === 'EACCES' ? 'forbidden' : 'no';
  } finally {
    connection.destroy();
  }
}

class LocalLink implements Link {
  readonly #label: string;
  readonly #sockets: Readonly<Record<EngineKind, string>>;
  readonly #closed = new Signal<Error | undefined>();
  readonly #watch: http.IncomingMessage;
  #end: { readonly error: Error | undefined } | undefined;

  private constructor(label: string, sockets: Readonly<Record<EngineKind, string>>, watch: http.IncomingMessage) {
    this.#label = label;
    this.#sockets = sockets;
    this.#watch = watch;
    watch.resume();
    watch.on('error', () => undefined);
    watch.once('close', () => this.#finish(channelLost(label)));
  }

  /** Opens an event stream that brings nothing and ends with the agent: how its end is noticed at once. */
  static async open(
    label: string,
    sockets: Readonly<Record<EngineKind, string>>,
    signal: AbortSignal,
  ): Promise<LocalLink> {
    const filters = encodeURIComponent(JSON.stringify({ type: ['daemon'] }));
    const request = http.get({ socketPath: sockets.porthole, path: `/events?filters=${filters}`, agent: false });
    const watch = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const stop = () => request.destroy(canceled('Connecting'));
      signal.addEventListener('abort', stop, { once: true });
      request.once('response', (response) => {
        signal.removeEventListener('abort', stop);
        resolve(response);
      });
      request.on('error', reject);
    }).catch((failure) => {
      throw signal.aborted ? canceled('Connecting') : noEngine(label, 'porthole', messageOf(failure));
    });
    return new LocalLink(label, sockets, watch);
  }

  dial(kind: EngineKind): net.Socket {
    if (this.#end) throw this.#end.error ?? channelLost(this.#label);
    return new EngineSocket({ path: this.#sockets[kind] }, (why) => noEngine(this.#label, kind, why));
  }

  dialPort(port: number): net.Socket {
    if (this.#end) throw this.#end.error ?? channelLost(this.#label);
    return new EngineSocket({ host: '127.0.0.1', port }, (why) => noPort(this.#label, port, why));
  }

  onDidClose(listener: (error: Error | undefined) => void): Disposable {
    if (this.#end) {
      const { error } = this.#end;
      queueMicrotask(() => listener(error));
    }
    return this.#closed.on(listener);
  }

  close(): void {
    this.#finish(undefined);
  }

  #finish(error: Error | undefined): void {
    if (this.#end) return;
    this.#end = { error };
    this.#watch.destroy();
    this.#closed.emit(error);
  }
}

/** A socket whose system errors are told in our words. */
class EngineSocket extends net.Socket {
  readonly #refused: (why: string) => Error;

  constructor(to: net.SocketConnectOpts, refused: (why: string) => Error) {
    super({ allowHalfOpen: true });
    this.#refused = refused;
    this.connect(to);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    super._destroy(error && errnoOf(error) ? this.#refused(messageOf(error)) : error, done);
  }
}
