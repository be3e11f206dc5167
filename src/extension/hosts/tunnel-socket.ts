import type { ClientHttp2Stream } from 'node:http2';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { wordsOf } from './problems.ts';

/**
 * One connection through the channel. It looks enough like a net.Socket for node:http and dockerode: each direction
 * ends on its own, back-pressure goes through to the far socket, and `destroy` resets it at once.
 */
export class TunnelSocket extends Duplex {
  readonly #stream: ClientHttp2Stream;
  readonly #broken: (failure: Error) => Error;
  #isRefused = false;
  #isOpen = false;

  /**
   * @param refused makes the error for a far socket that is not there, from the bridge's words
   * @param lost why the channel ended, when it did
   */
  constructor(
    stream: ClientHttp2Stream,
    { refused, lost }: { refused: (why: string) => Error; lost: () => Error | undefined },
  ) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    this.#broken = (failure) => lost() ?? refused(failure.message);
    stream.once('response', (headers) => {
      const status = headers[':status'];
      if (status === 200) {
        this.#isOpen = true;
        stream.on('data', (chunk: Buffer) => {
          if (!this.push(chunk)) stream.pause();
        });
        stream.once('end', () => this.push(null));
        return;
      }
      this.#isRefused = true;
      const words = `status ${status}`;
      text(stream).then(
        (why) => this.destroy(lost() ?? refused(wordsOf(why) || words)),
        () => this.destroy(lost() ?? refused(words)),
      );
    });
    stream.once('error', (failure) => {
      if (!this.#isRefused) this.destroy(this.#broken(failure));
    });
    stream.once('close', () => {
      if (this.#isRefused || this.destroyed) return;
      const cut = lost() ?? (stream.rstCode === 0 ? undefined : refused('the connection was reset'));
      // A far side that ends in good order has sent its end before.
      if (cut || !this.readableEnded) this.#endedOr(cut);
    });
  }

  override _read(): void {
    // A stream that flows before somebody listens loses what came together with the headers.
    if (this.#isOpen) this.#stream.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#stream.write(chunk, (failure) => {
      // A refusal closes the stream under the writer; its words, which are still on their way, are the better error.
      if (!failure || this.#isRefused) done();
      else done(this.#broken(failure));
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#stream.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // 8 is CANCEL (RFC 9113 7): the bridge then closes the far socket.
    if (!this.#stream.closed) this.#stream.close(this.writableFinished && this.readableEnded ? 0 : 8);
    done(error);
  }

  #endedOr(cut: Error | undefined): void {
    if (cut) this.destroy(cut);
    else if (this.readableLength === 0 && !this.readable) this.destroy();
  }

  /** As net.Socket's: finish writing, then close. docker-modem calls it. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  // What node:http sets on sockets has no meaning inside a channel.
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setTimeout(milliseconds: number, listener?: () => void): this {
    this.#stream.setTimeout(milliseconds, listener);
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}
