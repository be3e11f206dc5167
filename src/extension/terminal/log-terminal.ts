import { PassThrough } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type Dockerode from 'dockerode';
import { EventEmitter, l10n, type Pseudoterminal } from 'vscode';
import { explain } from '../problems.ts';

/** How many of the last lines are shown when logs are opened. */
const tail = 1000;

/** A container's output, followed in a read-only terminal: colours work, and so does the terminal's search. */
export class LogTerminal implements Pseudoterminal {
  readonly #container: Dockerode.Container;
  readonly #write = new EventEmitter<string>();
  readonly #close = new EventEmitter<void>();
  readonly #stop = new AbortController();
  readonly onDidWrite = this.#write.event;
  readonly onDidClose = this.#close.event;

  constructor(container: Dockerode.Container) {
    this.#container = container;
  }

  open(): void {
    void this.#follow();
  }

  close(): void {
    this.#stop.abort();
    this.#write.dispose();
    this.#close.dispose();
  }

  /** Nothing is typed into logs. */
  handleInput(): void {}

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    try {
      const { Config } = await this.#container.inspect();
      const stream = await this.#container.logs({
        follow: true,
        stdout: true,
        stderr: true,
        tail,
        abortSignal: signal,
      });
      const out = new PassThrough();
      const text = new StringDecoder('utf8');
      out.on('data', (chunk: Buffer) => this.#show(text.write(chunk)));
      if (Config.Tty) stream.pipe(out);
      else this.#container.modem.demuxStream(stream, out, out);
      await new Promise<void>((resolve, reject) => {
        stream.once('end', resolve);
        stream.once('close', resolve);
        stream.once('error', reject);
      });
      if (!signal.aborted) this.#show(`\n\x1b[2m${await this.#lastWords()}\x1b[0m\n`);
    } catch (failure) {
      if (!signal.aborted) this.#show(`\n\x1b[31m${explain(failure)}\x1b[0m\n`);
    }
  }

  async #lastWords(): Promise<string> {
    const { State } = await this.#container.inspect();
    if (State.Running) return l10n.t('The log was cut off.');
    return l10n.t('The container ended with exit code {0}.', State.ExitCode);
  }

  #show(text: string): void {
    if (!this.#stop.signal.aborted) this.#write.fire(text.replace(/\r?\n/g, '\r\n'));
  }
}
