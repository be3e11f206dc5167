import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf } from '../../base/errors.ts';

/** A program that the bytes were to go through did not do its work. */
export class FilterFailed extends Error {
  /** There is no such program. */
  readonly isMissing: boolean;

  constructor(message: string, { isMissing = false } = {}) {
    super(message);
    this.isMissing = isMissing;
  }
}

/**
 * The bytes as they come out of a program of the host. The program is gone when the iteration is over, however it ends.
 * @throws FilterFailed with what the program said; whatever the source throws
 */
export async function* filtered(
  source: AsyncIterable<Uint8Array>,
  [program, ...args]: readonly [string, ...string[]],
): AsyncGenerator<Uint8Array> {
  const child = spawn(program, args, { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C' } });
  const ended = endOf(child, program);
  const fed = pipeline(Readable.from(source), child.stdin).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  try {
    yield* child.stdout;
    const feeding = await fed;
    // A program that ends early says why itself.
    if (feeding !== undefined && !closedPipe.has(errnoOf(feeding) ?? '')) throw feeding;
    const failure = await ended;
    if (failure) throw failure;
  } finally {
    child.kill('SIGKILL');
    await Promise.all([ended, fed]);
  }
}

const closedPipe = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED']);
const mostWords = 1_000;

/** Resolves when it is gone: with what went wrong, if anything. */
function endOf(child: ChildProcessWithoutNullStreams, program: string): Promise<FilterFailed | undefined> {
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(0, mostWords);
  });
  return new Promise((resolve) => {
    child.once('error', (failure) => {
      const isMissing = errnoOf(failure) === 'ENOENT';
      resolve(new FilterFailed(isMissing ? `there is no program ${program}` : failure.message, { isMissing }));
    });
    child.once('close', (code) => {
      resolve(code === 0 ? undefined : new FilterFailed(said.trim().split('\n')[0] || `${program} ended with ${code}`));
    });
  });
}
