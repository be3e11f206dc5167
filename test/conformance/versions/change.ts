import assert from 'node:assert/strict';
import { type RawAnswer, type RawRequest, send } from '../raw/request.ts';
import { image } from '../scenario.ts';

/** One line of Docker's API version history. */
export type VersionChange = {
  /** Minor number of the version that brought it. */
  readonly since: number;
  readonly change: string;
} & (
  | {
      /** What a client of the given version sees. */
      readonly see: (client: Client) => Promise<unknown>;
      /** With the version before, and so with dockerd 20.10, whose newest is 1.41. */
      readonly before: unknown;
      readonly after: unknown;
      /** Why dockerd 20.10 is not asked. */
      readonly notIn41?: string;
    }
  /** The history says that it holds for every version of the API. */
  | { readonly see: (client: Client) => Promise<unknown>; readonly always: unknown; readonly notIn41?: string }
  /** Why it means nothing here. */
  | { readonly absent: string }
);

/** An engine, asked in one version of the API. What it makes goes with `cleanUp`. */
export class Client {
  readonly #socket: string;
  readonly #minor: number;
  readonly #made: string[] = [];
  #count = 0;

  constructor(socket: string, minor: number) {
    this.#socket = socket;
    this.#minor = minor;
  }

  get minor(): number {
    return this.#minor;
  }

  ask(method: string, path: string, body?: unknown): Promise<RawAnswer> {
    const json = body !== undefined && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
    return this.send({ method, path, ...json });
  }

  send(request: RawRequest): Promise<RawAnswer> {
    return send(this.#socket, { ...request, path: `/v1.${this.#minor}${request.path}` });
  }

  /** The answer's JSON. */
  async read(path: string, method = 'GET', body?: unknown): Promise<Record<string, unknown>> {
    const answer = await this.ask(method, path, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.body}`);
    return Object(JSON.parse(answer.body));
  }

  async list(path: string): Promise<Record<string, unknown>[]> {
    const found: unknown = await this.read(path);
    return Array.isArray(found) ? found : [];
  }

  /** Asks for a container; it is removed at the end if there is one. */
  async create(config: object, hostConfig: object = {}): Promise<RawAnswer & { readonly id: string }> {
    const name = `versions-${this.#minor}-${++this.#count}`;
    const HostConfig = { NetworkMode: 'none', ...hostConfig };
    const answer = await this.ask('POST', `/containers/create?name=${name}`, {
      Image: image,
      Cmd: ['true'],
      ...config,
      HostConfig,
    });
    if (answer.status === 201) this.#made.push(`/containers/${name}?force=1&v=1`);
    return { ...answer, id: name };
  }

  async inspect(id: string): Promise<Inspected> {
    const answer = await this.ask('GET', `/containers/${id}/json`);
    return JSON.parse(answer.body);
  }

  /** Runs a command to its end; what it said on its terminal. */
  async run(script: string, hostConfig: object = {}): Promise<string> {
    const { id, body, status } = await this.create({ Cmd: ['sh', '-c', script], Tty: true }, hostConfig);
    assert.equal(status, 201, body);
    await this.must('POST', `/containers/${id}/start`);
    await this.must('POST', `/containers/${id}/wait`);
    return this.said(id);
  }

  async said(id: string): Promise<string> {
    const { body } = await this.ask('GET', `/containers/${id}/logs?stdout=1&stderr=1`);
    return body.replaceAll('\r', '').trim();
  }

  async must(method: string, path: string, body?: unknown): Promise<void> {
    const answer = await this.ask(method, path, body);
    assert.ok(answer.status < 400, `${method} ${path}: ${answer.status} ${answer.body}`);
  }

  /** Removes something at the end. */
  goes(path: string): void {
    this.#made.push(path);
  }

  async cleanUp(): Promise<void> {
    for (const path of this.#made.splice(0).reverse()) await this.ask('DELETE', path);
  }
}

export interface Inspected {
  readonly Id: string;
  readonly Config: Readonly<Record<string, unknown>>;
  readonly HostConfig: Readonly<Record<string, unknown>>;
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, object>> };
}

export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await isSo()); ) {
    if (Date.now() > deadline) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
