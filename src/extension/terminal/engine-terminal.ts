import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { EventEmitter, l10n, type Pseudoterminal, type TerminalDimensions } from 'vscode';
import { explain } from '../problems.ts';

/** A program behind a terminal, whichever way an engine runs it: an exec, or a container's own process. */
export interface RemoteProgram {
  /** Starts it and resolves with its terminal: raw bytes both ways. */
  open(): Promise<Duplex>;
  resize(size: { readonly columns: number; readonly rows: number }): Promise<void>;
  /** Its exit code, asked for once its terminal has ended; undefined when nobody knows. */
  exitCode(): Promise<number | undefined>;
}

/**
 * A VS Code terminal over an engine's hijacked stream. When the program ends its exit code is shown, and the terminal
 * stays until a key is pressed: closing at once would take the last output away.
 */
export class EngineTerminal implements Pseudoterminal {
  readonly #program: RemoteProgram;
  readonly #write = new EventEmitter<string>();
  readonly #close = new EventEmitter<number | undefined>();
  readonly #decoder = new StringDecoder('utf8');
  readonly onDidWrite = this.#write.event;
  readonly onDidClose = this.#close.event;
  #stream: Duplex | undefined;
  #size: TerminalDimensions | undefined;
  #early = '';
  #ended: { readonly code: number | undefined } | undefined;
  #closed = false;

  constructor(program: RemoteProgram) {
    this.#program = program;
  }

  open(size: TerminalDimensions | undefined): void {
    this.#size = size;
    void this.#run();
  }

  close(): void {
    this.#closed = true;
    // A hang-up: the program's terminal goes, as when a window is closed.
    this.#stream?.destroy();
    this.#write.dispose();
    this.#close.dispose();
  }

  handleInput(data: string): void {
    if (this.#ended) this.#close.fire(this.#ended.code);
    else if (this.#stream) this.#stream.write(data);
    else this.#early += data;
  }

  setDimensions(size: TerminalDimensions): void {
    this.#size = size;
    if (this.#stream && !this.#ended) void this.#resize();
  }

  async #run(): Promise<void> {
    try {
      const stream = await this.#program.open();
      if (this.#closed) {
        stream.destroy();
        return;
      }
      this.#stream = stream;
      stream.on('data', (chunk: Buffer) => this.#show(this.#decoder.write(chunk)));
      const over = new Promise<void>((resolve, reject) => {
        stream.once('end', resolve);
        stream.once('close', resolve);
        stream.once('error', reject);
      });
      if (this.#early) stream.write(this.#early);
      this.#early = '';
      await this.#resize();
      await over;
      stream.destroy();
      const code = await this.#program.exitCode();
      this.#end(
        code === undefined
          ? l10n.t('The connection to the program ended.')
          : l10n.t('The program ended with exit code {0}.', code),
        { code, failed: code !== 0 },
      );
    } catch (failure) {
      if (!this.#closed) this.#end(explain(failure), { code: 1, failed: true });
    }
  }

  #end(message: string, { code, failed }: { code: number | undefined; failed: boolean }): void {
    if (this.#closed) return;
    this.#ended = { code };
    const color = failed ? '\x1b[31m' : '\x1b[2m';
    const hint = l10n.t('Press any key to close the terminal.');
    this.#show(`\r\n${color}${message.replaceAll('\n', '\r\n')}\x1b[0m \x1b[2m${hint}\x1b[0m\r\n`);
  }

  #show(text: string): void {
    if (!this.#closed && text) this.#write.fire(text);
  }

  async #resize(): Promise<void> {
    if (!this.#size) return;
    try {
      await this.#program.resize(this.#size);
    } catch {
      // The program may have ended in this moment; its end is reported by the stream.
    }
  }
}
