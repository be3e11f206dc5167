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
  #separator = '[\n';

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
    this.#text('{"path":');
    this.#bytes(path);
    this.#text(`,"kind":"${kind}"`);
    if (differs) this.#text(`,"differs":${JSON.stringify(differs)}`);
    if (before) {
      this.#text(',"before":');
      this.#bytes(before.text);
    }
    if (after) {
      this.#text(',"after":');
      this.#bytes(after.text);
    }
    this.#text('}');
    return this.#full();
  }

  value(value: unknown): void | Promise<void> {
    this.#begin();
    this.#bytes(Buffer.from(JSON.stringify(value)));
    return this.#full();
  }

  async end(): Promise<void> {
    if (this.#separator === '[\n') this.#text('[');
    this.#text(']\n');
    await this.#flush();
  }

  #begin(): void {
    this.#text(this.#separator);
    this.#separator = ',\n';
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
    this.#length += bytes.copy(this.#piece, this.#length);
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#piece.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#length + length));
    this.#piece.copy(larger, 0, 0, this.#length);
    this.#piece = larger;
  }
}

const pieceSize = 1 << 16;
