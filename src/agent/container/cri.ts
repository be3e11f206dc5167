/**
 * CRI log lines, as the shim writes them:
 *
 *     2016-10-06T00:17:09.669794202Z stdout F the line
 *
 * Everything before the text has a fixed width. F ends a line; P is a part of one that goes on in the stream's next record.
 */
export interface LogRecord {
  /** RFC 3339 in UTC with nine digits: texts compare as times do. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  readonly isWhole: boolean;
  readonly text: Buffer;
}

const timeWidth = 30;
const streamAt = timeWidth + 1;
const tagAt = streamAt + 7;
const textAt = tagAt + 2;
const newline = 10;

/** A record without its newline; undefined for a line that the shim did not write. */
export function parseRecord(line: Buffer): LogRecord | undefined {
  if (line.length < textAt || line[timeWidth] !== 32 || line[tagAt + 1] !== 32) return undefined;
  const stream = line.toString('latin1', streamAt, streamAt + 6);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  return {
    time: line.toString('latin1', 0, timeWidth),
    stream,
    isWhole: line[tagAt] === 70,
    text: line.subarray(textAt),
  };
}

/** Seconds since the epoch as a log's time text. */
export function logTime(seconds: number): string {
  const whole = Math.floor(seconds);
  const nanoseconds = Math.min(999_999_999, Math.round((seconds - whole) * 1e9));
  return `${new Date(whole * 1000).toISOString().slice(0, 19)}.${String(nanoseconds).padStart(9, '0')}Z`;
}

/** Cuts a byte stream into lines; what is after the last newline waits for the rest of it. */
export class LineCutter {
  #rest: Buffer[] = [];

  *cut(chunk: Buffer): Generator<Buffer> {
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      const line = chunk.subarray(from, at);
      from = at + 1;
      if (this.#rest.length === 0) yield line;
      else {
        yield Buffer.concat([...this.#rest, line]);
        this.#rest = [];
      }
    }
    if (from < chunk.length) this.#rest.push(Buffer.from(chunk.subarray(from)));
  }
}

/** Fills a buffer from a position of the log file. */
export type ReadAt = (buffer: Buffer, position: number) => Promise<unknown>;

/**
 * Where the last `count` lines of one of several files begin, found from the end backwards; the parts of one long line count
 * once. Also how many lines more than this file holds are wanted, undefined when it holds enough. With `goesOn` the file's last line may go on in the next file, where it was counted.
 */
export async function tailOf(
  read: ReadAt,
  file: { readonly size: number; readonly count: number; readonly chunk?: number; readonly goesOn: boolean },
): Promise<{ readonly offset: number; readonly missing?: number }> {
  const { size, count, chunk = 64 * 1024, goesOn } = file;
  let offset = size;
  let found = 0;
  for await (const record of recordsFromEnd(read, { size, chunk })) {
    const endsLine = record.head[tagAt] === 70 || (offset === size && !goesOn);
    if (endsLine && ++found > count) return { offset };
    offset = record.offset;
  }
  return { offset: 0, missing: count - found };
}

async function* recordsFromEnd(
  read: ReadAt,
  { size, chunk }: { readonly size: number; readonly chunk: number },
): AsyncGenerator<{ readonly offset: number; readonly head: Buffer }> {
  let end = size;
  while (end > 0) {
    const begin = Math.max(0, end - chunk);
    // A little of what was searched already comes along: the head of a record that begins near the chunk's end.
    const buffer = Buffer.alloc(Math.min(end + textAt, size) - begin);
    await read(buffer, begin);
    const head = (at: number) => buffer.subarray(at, at + textAt);
    let at = buffer.lastIndexOf(newline, end - begin - 1);
    while (at >= 0) {
      if (begin + at + 1 < size) yield { offset: begin + at + 1, head: head(at + 1) };
      at = at === 0 ? -1 : buffer.lastIndexOf(newline, at - 1);
    }
    if (begin === 0) yield { offset: 0, head: head(0) };
    end = begin;
  }
}
