import type { Change } from './changes.ts';
import type { Cursor } from './cursor.ts';

/** Takes pieces of text; a promise asks for patience. */
export type Write = (piece: Buffer) => void | Promise<void>;

/**
 * A list of entries or changes as one JSON array, written in pieces: the entries' text goes from the indexes to the
 * answer as it is.
 */
export class JsonList {
  readonly #write: Write;
  #piece = Buffer.allocUnsafe(2 * pieceSize);
  #length = 0;
  #separator = words.begin;

  constructor(write: Write) {
    this.#write = write;
  }

  /** An entry with the position of the layer that has it. */
  entry(entry: Cursor): void | Promise<void> {
    this.#begin();
    this.#bytes(entry.text.subarray(0, -1));
    this.#text(`,"layer":${entry.layer}}`);
    return this.#full();
  }

  change({ kind, differs, before, after }: Change): void | Promise<void> {
    const path = (after ?? before)?.pathText;
    if (!path) return undefined;
    this.#begin();
    this.#bytes(words.path);
    this.#bytes(path);
    this.#bytes(words.kinds[kind]);
    if (differs) this.#text(`,"differs":${JSON.stringify(differs)}`);
    if (before) {
      this.#bytes(words.before);
      this.#bytes(before.text);
    }
    if (after) {
      this.#bytes(words.after);
      this.#bytes(after.text);
    }
    this.#bytes(words.end);
    return this.#full();
  }

  value(value: unknown): void | Promise<void> {
    this.#begin();
    this.#bytes(Buffer.from(JSON.stringify(value)));
    return this.#full();
  }

  async end(): Promise<void> {
    if (this.#separator === words.begin) this.#text('[');
    this.#text(']\n');
    await this.#flush();
  }

  #begin(): void {
    this.#bytes(this.#separator);
    this.#separator = words.next;
  }

  #full(): void | Promise<void> {
    return this.#length >= pieceSize ? this.#flush() : undefined;
  }

  #flush(): void | Promise<void> {
    const piece = this.#piece.subarray(0, this.#length);
    this.#piece = Buffer.allocUnsafe(2 * pieceSize);
    this.#length = 0;
    return this.#write(piece);
  }

  /** Plain characters only. */
  #text(text: string): void {
    this.#reserve(text.length);
    this.#length += this.#piece.write(text, this.#length, 'latin1');
  }

  #bytes(bytes: Buffer): void {
    this.#reserve(bytes.length);
    this.#piece.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#piece.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#length + length));
    this.#piece.copy(larger, 0, 0, this.#length);
    this.#piece = larger;
  }
}

const pieceSize = 1 << 16;

/** What is written again and again, as bytes: to encode it each time would cost more than all the rest. */
const words = {
  begin: Buffer.from('[\n'),
  next: Buffer.from(',\n'),
  path: Buffer.from('{"path":'),
  kinds: {
    added: Buffer.from(',"kind":"added"'),
    modified: Buffer.from(',"kind":"modified"'),
    deleted: Buffer.from(',"kind":"deleted"'),
  },
  before: Buffer.from(',"before":'),
  after: Buffer.from(',"after":'),
  end: Buffer.from('}'),
} as const;
