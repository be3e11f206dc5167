import type { Socket } from 'node:net';
import { type Frame, FrameReader } from './wire.ts';

/** Milliseconds. */
const lingerTime = 1000;

/**
 * Frames over one socket. They are handled one after another: while a handler's promise is pending nothing more is
 * read, so that a slow consumer is felt at the other end.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #onFrame: (frame: Frame) => void | Promise<void>;
  readonly #onClose: () => void;
  #busy = false;
  /** Something came while the frames before it were being handled. */
  #hasMore = false;
  #ended = false;
  /** What came is no frame. */
  #isNonsense = false;

  constructor(socket: Socket, handlers: { onFrame: (frame: Frame) => void | Promise<void>; onClose: () => void }) {
    this.#socket = socket;
    this.#onFrame = handlers.onFrame;
    this.#onClose = handlers.onClose;
    socket.on('data', (chunk: Buffer) => {
      this.#reader.add(chunk);
      void this.#pump();
    });
    // A write that fails says nothing that the close does not say: what was received before still counts.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#ended = true;
      void this.#pump();
    });
  }

  /** Resolves when the socket has room again; at once when it has now. */
  send(...parts: Buffer[]): Promise<void> {
    if (this.#socket.destroyed || !this.#socket.writable) return Promise.resolve();
    this.#socket.cork();
    let room = true;
    for (const part of parts) room = this.#socket.write(part);
    this.#socket.uncork();
    if (room) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.on('drain', done);
      this.#socket.on('close', done);
    });
  }

  /** No more will be sent; what was sent arrives. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Closes when what was sent has left, or soon: the other end may not read any more. */
  close(): void {
    if (this.#socket.writableLength === 0) this.destroy();
    else this.#socket.destroySoon();
    setTimeout(() => this.#socket.destroy(), lingerTime).unref();
  }

  async #pump(): Promise<void> {
    this.#hasMore = true;
    if (this.#busy) return;
    this.#busy = true;
    try {
      // A socket that was paused gives all that it has in one turn: what comes second finds us on our way out.
      while (this.#hasMore && !this.#isNonsense) {
        this.#hasMore = false;
        await this.#handleAll();
      }
    } catch {
      // Nobody knows where the next frame begins.
      this.#isNonsense = true;
      this.#socket.destroy();
    }
    this.#busy = false;
    if (this.#ended) this.#onClose();
  }

  async #handleAll(): Promise<void> {
    for (let frame = this.#reader.next(); frame; frame = this.#reader.next()) {
      const pending = this.#onFrame(frame);
      if (!pending) continue;
      this.#socket.pause();
      await pending.catch(() => undefined);
      this.#socket.resume();
    }
  }
}
