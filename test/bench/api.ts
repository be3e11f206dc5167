import { Agent, request } from 'node:http';
import { Wire } from './wire.ts';

/** A bare client of the Docker Engine API: next to nothing of what is measured is its own time. */
export class Api {
  readonly #socketPath: string;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #wire: Wire;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
    this.#wire = new Wire(socketPath);
  }

  /** The answer's body, whole. Rejects with it when the status is no success. */
  async call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<string> {
    const answer = await this.#wire.ask(method, `/v1.41${path}`, body && JSON.stringify(body));
    if (answer.status < 300) return answer.body;
    throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
  }

  /** Reads an answer of `path`, which may be long, to its end and lets it go. */
  drain(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.#socketPath, agent: this.#agent, path }, (answer) => {
        answer.once('error', reject).once('end', () => {
          if (answer.statusCode === 200) resolve();
          else reject(new Error(`GET ${path}: ${answer.statusCode}`));
        });
        answer.resume();
      });
      asked.once('error', reject).end();
    });
  }

  /** A container without a network. @returns its id */
  async create(image: string, command: readonly string[]): Promise<string> {
    const body = { Image: image, Cmd: command, HostConfig: { NetworkMode: 'none' } };
    return idOf(await this.call('POST', '/containers/create', body));
  }

  async start(id: string): Promise<void> {
    await this.call('POST', `/containers/${id}/start`);
  }

  async wait(id: string): Promise<void> {
    await this.call('POST', `/containers/${id}/wait`);
  }

  async remove(id: string): Promise<void> {
    await this.call('DELETE', `/containers/${id}?force=1`);
  }

  /** Runs a command in a running container until its output ends. */
  async exec(id: string, command: readonly string[]): Promise<void> {
    const body = { Cmd: command, AttachStdout: true, AttachStderr: true };
    const exec = idOf(await this.call('POST', `/containers/${id}/exec`, body));
    await this.call('POST', `/exec/${exec}/start`, { Detach: false, Tty: false });
  }

  close(): void {
    this.#wire.close();
    this.#agent.destroy();
  }
}

function idOf(answer: string): string {
  const { Id }: { Id?: unknown } = JSON.parse(answer);
  if (typeof Id !== 'string') throw new Error(`no id in ${answer}`);
  return Id;
}
