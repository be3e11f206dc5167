import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { EventEmitter, l10n, type Pseudoterminal, type TerminalDimensions } from 'vscode';
import { explain } from '../problems.ts';
import { signalName } from '../timeline/moments.ts';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A program behind a terminal, whichever way an engine runs it: an exec, or a container's own process. */
export interface RemoteProgram {
  /** Starts it and resolves with its terminal: raw bytes both ways. */
  open(size: TerminalSize | undefined): Promise<Duplex>;
  resize(size: TerminalSize): Promise<void>;
  /** Its exit code, asked for once its terminal has ended; undefined when nobody knows. */
  exitCode(): Promise<number | undefined>;
  /** Typed for the user when the terminal is closed under a program that still runs; absent: it is to run on. */
  readonly farewell?: string;
}

/** How long a program may take to heed its farewell, in milliseconds. */
const grace = 2000;

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
  /** Typed before the program could take it. */
  #early = '';
  #isOpen = false;
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
    if (this.#stream) this.#leave(this.#stream);
    this.#write.dispose();
    this.#close.dispose();
  }

  handleInput(data: string): void {
    if (this.#ended) this.#close.fire(this.#ended.code);
    else if (this.#isOpen && this.#stream) this.#stream.write(data);
    else this.#early += data;
  }

  setDimensions(size: TerminalDimensions): void {
    this.#size = size;
    if (this.#stream && !this.#ended) void this.#resize();
  }

  async #run(): Promise<void> {
    try {
      const stream = await this.#program.open(this.#size);
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
      // Engines older than API 1.42 begin with no size at all: it is set before anything that was typed arrives.
      await this.#resize();
      if (this.#early) stream.write(this.#early);
      this.#early = '';
      this.#isOpen = true;
      await over;
      stream.destroy();
      const code = await this.#program.exitCode();
      this.#end(endOf(code), { code, failed: code !== 0 });
    } catch (failure) {
      if (!this.#closed) this.#end(explain(failure), { code: undefined, failed: true });
    }
  }

  #end(message: string, { code, failed }: { code: number | undefined; failed: boolean }): void {
    if (this.#closed) return;
    this.#ended = { code };
    const color = failed ? '\x1b[31m' : '\x1b[2m';
    const hint = l10n.t('Press any key to close the terminal.');
    this.#show(`\r\n${color}${message.replaceAll('\n', '\r\n')}\x1b[0m \x1b[2m${hint}\x1b[0m\r\n`);
  }

  /** No engine ends a program because its viewer has left: a shell would stay behind for ever. */
  #leave(stream: Duplex): void {
    const { farewell } = this.#program;
    if (this.#ended || !farewell || !stream.writable) {
      stream.destroy();
      return;
    }
    stream.write(farewell);
    setTimeout(() => stream.destroy(), grace).unref();
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

function endOf(code: number | undefined): string {
  if (code === undefined) return l10n.t('The connection to the program ended.');
  // Shells and engines tell a signal as 128 and its number; few people know the numbers.
  if (code > 128 && code < 160)
    return l10n.t('The program ended with exit code {0} ({1}).', code, signalName(code - 128));
  return l10n.t('The program ended with exit code {0}.', code);
}
