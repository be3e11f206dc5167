import { StringDecoder } from 'node:string_decoder';
import { type LogLine, longestLine } from '../../protocol/log-page.ts';

type Stream = LogLine['stream'];

/** Bytes of a frame's header: the stream, three zeros, the length. */
const header = 8;

/**
 * Takes an engine's log stream with time stamps apart into lines. Without a terminal the engine puts a frame around each
 * piece of a stream; with one there is nothing but text. A line can come in pieces, a piece can hold many.
 *
 * @example
 * const lines = new LogLines({ tty: false, source: 0 });
 * for await (const chunk of stream) show(lines.push(chunk));
 */
export class LogLines {
  readonly #tty: boolean;
  readonly #source: number;
  readonly #rest: Record<Stream, { decoder: StringDecoder; text: string }> = {
    stdout: { decoder: new StringDecoder('utf8'), text: '' },
    stderr: { decoder: new StringDecoder('utf8'), text: '' },
  };
  #bytes: Buffer = Buffer.alloc(0);

  constructor({ tty, source }: { tty: boolean; source: number }) {
    this.#tty = tty;
    this.#source = source;
  }

  push(chunk: Buffer): LogLine[] {
    if (this.#tty) return this.#text('stdout', chunk);
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const found: LogLine[] = [];
    while (this.#bytes.length >= header) {
      const end = header + this.#bytes.readUInt32BE(4);
      if (this.#bytes.length < end) break;
      found.push(...this.#text(this.#bytes[0] === 2 ? 'stderr' : 'stdout', this.#bytes.subarray(header, end)));
      this.#bytes = this.#bytes.subarray(end);
    }
    return found;
  }

  /** The last lines, which nothing has ended. */
  end(): LogLine[] {
    const streams: readonly Stream[] = ['stdout', 'stderr'];
    return streams.flatMap((stream) => {
      const { text } = this.#rest[stream];
      this.#rest[stream].text = '';
      return text === '' ? [] : [this.#line(stream, text)];
    });
  }

  #text(stream: Stream, bytes: Buffer): LogLine[] {
    const rest = this.#rest[stream];
    const lines = (rest.text + rest.decoder.write(bytes)).split('\n');
    const last = lines.pop() ?? '';
    // A line without an end must not fill the memory: what is shown of it is all that is kept, behind its time.
    rest.text = last.slice(0, longestLine + 64);
    return lines.map((line) => this.#line(stream, line));
  }

  #line(stream: Stream, whole: string): LogLine {
    const space = whole.indexOf(' ');
    const at = space > 0 ? Date.parse(whole.slice(0, space)) : Number.NaN;
    const text = Number.isNaN(at) ? whole : whole.slice(space + 1);
    return {
      at: Number.isNaN(at) ? 0 : at,
      source: this.#source,
      stream,
      text: text.replace(/\r$/, '').slice(0, longestLine),
    };
  }
}
