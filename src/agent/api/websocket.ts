import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Duplex, Transform } from 'node:stream';
import { badParameter } from './errors.ts';

/**
 * The server's side of a WebSocket (RFC 6455) as a stream of bytes, for the one route that has it. Node has no server
 * for it, and a library would travel to every host for these hundred lines. A message's bounds mean nothing here, so its
 * bytes are passed on as they come: no frame is ever held in memory, however long it says it is.
 */
export class WebSocketStream extends Duplex {
  readonly #socket: Duplex;
  readonly #opcode: number;
  readonly #reader = new FrameReader();
  #closeSent = false;
  #lingering: NodeJS.Timeout | undefined;

  /** @param options.text data goes out as text frames, as dockerd did before API 1.28. */
  constructor(socket: Duplex, options: { readonly text: boolean }) {
    super();
    this.#socket = socket;
    this.#opcode = options.text ? opcodes.text : opcodes.binary;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.once('end', () => this.#over());
    socket.once('close', () => this.destroy());
    socket.on('error', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#send(this.#opcode, chunk, done);
  }

  override _final(done: () => void): void {
    this.#close(statuses.normal, done);
  }

  override _destroy(failure: Error | null, done: (failure?: Error | null) => void): void {
    clearTimeout(this.#lingering);
    this.#socket.end();
    done(failure);
  }

  #take(chunk: Buffer): void {
    try {
      for (const part of this.#reader.read(chunk)) {
        if (part.opcode === opcodes.close) {
          this.#close(statuses.normal, () => undefined);
          this.#over();
          return;
        }
        if (part.opcode === opcodes.ping) this.#pong(part.data);
        else if (part.opcode !== opcodes.pong && !this.push(part.data)) this.#socket.pause();
      }
    } catch {
      this.#close(statuses.protocolError, () => this.destroy());
    }
  }

  /** Nobody has to answer every ping (RFC 6455, 5.5.3): one who does not read is not to fill our memory with answers. */
  #pong(data: Buffer): void {
    if (!this.#socket.writableNeedDrain) this.#send(opcodes.pong, data, () => undefined);
  }

  /** The client sends nothing more and, in this protocol, hears nothing more: what it has sent is still taken. */
  #over(): void {
    this.push(null);
    this.#lingering ??= setTimeout(() => this.destroy(), lingerTime);
  }

  #close(status: number, done: () => void): void {
    if (this.#closeSent) done();
    else {
      const data = Buffer.alloc(2);
      data.writeUInt16BE(status);
      this.#send(opcodes.close, data, done);
      this.#closeSent = true;
    }
  }

  #send(opcode: number, data: Buffer, done: () => void): void {
    const socket = this.#socket;
    if (this.#closeSent || socket.destroyed || socket.writableEnded) done();
    else {
      socket.write(frameHead(opcode, data.length));
      if (socket.write(data)) done();
      else socket.once('drain', done);
    }
  }
}

/** The answer to a client's handshake. @throws invalid when it is none. */
export function webSocketHead(request: IncomingMessage, headers: Readonly<Record<string, string>>): string {
  const { upgrade = '', 'sec-websocket-key': key = '', 'sec-websocket-version': version } = request.headers;
  if (upgrade.toLowerCase() !== 'websocket' || version !== '13' || !/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    throw badParameter('a WebSocket handshake of version 13 is expected here');
  }
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const lines = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return `${['HTTP/1.1 101 Switching Protocols', ...lines, ...more].join('\r\n')}\r\n\r\n`;
}

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const statuses = { normal: 1000, protocolError: 1002 } as const;
const longestControl = 125;
/** Milliseconds. */
const lingerTime = 2_000;

function frameHead(opcode: number, length: number): Buffer {
  const final = 0x80;
  if (length < 126) return Buffer.from([final | opcode, length]);
  const head = Buffer.alloc(length < 65_536 ? 4 : 10);
  head[0] = final | opcode;
  if (head.length === 4) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return head;
}

interface Part {
  readonly opcode: number;
  /** All of a control frame; of another one what has arrived. */
  readonly data: Buffer;
}

/** Cuts a client's bytes into frames and takes their masks off. Throws what breaks the protocol. */
class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  #frame: { readonly opcode: number; readonly mask: Buffer; left: number; at: number } | undefined;

  *read(chunk: Buffer): Generator<Part> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (true) {
      this.#frame ??= this.#head();
      const frame = this.#frame;
      if (frame === undefined) return;
      const isControl = frame.opcode >= opcodes.close;
      if (this.#rest.length < (isControl ? frame.left : Math.min(1, frame.left))) return;
      const data = Buffer.from(this.#rest.subarray(0, frame.left));
      this.#rest = this.#rest.subarray(data.length);
      for (let index = 0; index < data.length; index++) {
        data[index] = (data[index] ?? 0) ^ (frame.mask[(frame.at + index) % 4] ?? 0);
      }
      frame.at += data.length;
      frame.left -= data.length;
      if (frame.left === 0) this.#frame = undefined;
      if (data.length > 0 || isControl) yield { opcode: frame.opcode, data };
    }
  }

  #head(): { opcode: number; mask: Buffer; left: number; at: number } | undefined {
    if (this.#rest.length < 2) return undefined;
    const [first = 0, second = 0] = this.#rest;
    const opcode = first & 0x0f;
    const short = second & 0x7f;
    const isKnown = Object.values(opcodes).some((one) => one === opcode);
    const isLongControl = opcode >= opcodes.close && short > longestControl;
    // Bits of extensions that were not agreed on, frames of nobody, a client that does not mask.
    if ((first & 0x70) !== 0 || !isKnown || (second & 0x80) === 0 || isLongControl) {
      throw badParameter('the frame breaks the WebSocket protocol');
    }
    const size = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
    if (this.#rest.length < size + 4) return undefined;
    const length =
      short < 126 ? short : size === 4 ? this.#rest.readUInt16BE(2) : Number(this.#rest.readBigUInt64BE(2));
    const mask = Buffer.from(this.#rest.subarray(size, size + 4));
    this.#rest = this.#rest.subarray(size + 4);
    return { opcode, mask, left: length, at: 0 };
  }
}

/** Takes the heads of Docker's frames away: a WebSocket carries both outputs as they come. */
export function withoutFrames(): Transform {
  let rest: Buffer = Buffer.alloc(0);
  let left = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length > 0) {
        if (left === 0) {
          if (rest.length < 8) break;
          left = rest.readUInt32BE(4);
          rest = rest.subarray(8);
        } else {
          const data = rest.subarray(0, left);
          this.push(data);
          left -= data.length;
          rest = rest.subarray(data.length);
        }
      }
      done();
    },
  });
}
