import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Dockerode from 'dockerode';
import { Signal } from '../../src/base/async.ts';
import type { Host, HostState } from '../../src/extension/hosts/contract.ts';

/** What a path is answered with; text is sent as it is. */
export interface Lie {
  readonly status?: number;
  readonly body: string | object;
}

/** An engine that answers whatever a test wants: nonsense, refusals, events that break. */
export class LyingEngine {
  /** By path, without the version in front. What is not here is as of an engine that holds nothing. */
  readonly lies = new Map<string, Lie>();
  /** Paths that were asked for, in order. */
  readonly asked: string[] = [];
  /** Their queries, '' for none. */
  readonly queries: string[] = [];
  readonly socket: string;
  readonly #dir: string;
  readonly #server: http.Server;
  readonly #listeners = new Set<http.ServerResponse>();

  private constructor(dir: string) {
    this.#dir = dir;
    this.socket = join(dir, 'engine.sock');
    this.#server = http.createServer((request, response) => this.#answer(request, response));
  }

  static async start(): Promise<LyingEngine> {
    const engine = new LyingEngine(await mkdtemp(join(tmpdir(), 'porthole-lies-')));
    await new Promise<void>((resolve) => engine.#server.listen(engine.socket, resolve));
    return engine;
  }

  /** Says a line to everybody who listens to events. */
  event(line: string): void {
    for (const response of this.#listeners) response.write(`${line}\n`);
  }

  /** Cuts everybody off who listens to events. */
  breakEvents(): void {
    for (const response of this.#listeners) response.destroy();
    this.#listeners.clear();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
    await rm(this.#dir, { recursive: true, force: true });
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { pathname, search } = new URL(request.url ?? '/', 'http://engine');
    const path = pathname.replace(/^\/v[\d.]+/, '');
    this.asked.push(path);
    this.queries.push(search);
    const { status = 200, body } = this.lies.get(path) ?? { body: honest(path) };
    response.writeHead(status, { 'Content-Type': 'application/json' });
    if (path === '/events' && status === 200) {
      response.flushHeaders();
      this.#listeners.add(response);
      response.on('close', () => this.#listeners.delete(response));
      if (body !== '') response.write(body);
      return;
    }
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }
}

function honest(path: string): string {
  if (path === '/events') return '';
  return path === '/volumes' ? '{"Volumes":[]}' : '[]';
}

/** A host whose engines are all the same liar, and always connected. */
export function lyingHost({ socket }: LyingEngine): Host {
  const changed = new Signal<HostState>();
  const state: HostState = { kind: 'connected', version: '1', kernel: '6', architecture: 'x86_64' };
  const nowhere = () => Promise.reject(new Error('no agent here'));
  return {
    id: 'ssh:liar',
    label: 'Liar',
    state,
    onDidChange: (listener) => changed.on(listener),
    connect: async () => undefined,
    disconnect: async () => undefined,
    engine: () => new Dockerode({ socketPath: socket }),
    dialPort: () => {
      throw new Error('no ports');
    },
    dial: () => {
      throw new Error('no agent here');
    },
    porthole: nowhere,
    portholeBytes: nowhere,
    portholeSend: nowhere,
  };
}
