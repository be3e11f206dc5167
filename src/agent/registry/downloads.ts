import { canceled, isKind, messageOf, PortholeError } from '../../base/errors.ts';
import type { Descriptor } from '../oci/image.ts';
import type { ImageIntake } from '../store/pieces.ts';
import { RegistryRefusal } from './answers.ts';
import { RegistryUnreachable } from './errors.ts';
import { Counter, type Progress, shortId } from './progress.ts';
import { type Retries, retrying, retryWords } from './retry.ts';
import type { Session } from './session.ts';
import type { Slots } from './slots.ts';

/** What a download needs of the pull that it belongs to. */
export interface DownloadTask {
  readonly session: Session;
  /** Of the repository. */
  readonly path: string;
  readonly intake: ImageIntake;
  readonly slots: Slots;
  readonly retries: Retries;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

type Blob = Pick<Descriptor, 'digest' | 'size'>;

/**
 * Brings a layer's blob into the store, again and again from where it broke off.
 * @throws invalid for what has not its digest or size; unavailable; canceled
 */
export async function download(blob: Blob, task: DownloadTask): Promise<void> {
  const { slots, progress, signal, retries, intake } = task;
  const id = shortId(blob.digest);
  const giveBack = await slots.take({ signal, onWait: () => progress.update(id, 'Waiting') });
  const reached = { before: 0, at: 0, isResumed: false };
  try {
    await retrying(
      async () => {
        try {
          await intake.put(blob, (from) => bytesFrom(blob, from, { ...task, reached }));
        } catch (failure) {
          // The part that lay here may have been damaged: then once more from the beginning.
          if (!isKind(failure, 'invalid') || !reached.isResumed) throw failure;
          reached.isResumed = false;
          await intake.put(blob, (from) => bytesFrom(blob, from, { ...task, reached }));
        }
      },
      {
        ...retries,
        signal,
        tell: (seconds) => progress.update(id, retryWords(seconds)),
        gained: () => {
          const isFurther = reached.at >= reached.before + worthCounting;
          reached.before = reached.at;
          return isFurther;
        },
      },
    );
    progress.update(id, 'Download complete');
  } finally {
    giveBack();
  }
}

/** Bytes that make an attempt one that came further. */
const worthCounting = 1 << 20;

async function* bytesFrom(
  { digest, size }: Blob,
  from: number,
  task: DownloadTask & { readonly reached: { before: number; at: number; isResumed: boolean } },
): AsyncGenerator<Uint8Array> {
  const { session, path, progress, signal, reached } = task;
  const id = shortId(digest);
  reached.isResumed = from > 0;
  reached.at = from;
  const headers: Record<string, string> = from > 0 ? { Range: `bytes=${from}-` } : {};
  const ask = { method: 'GET', path: `/v2/${path}/blobs/${digest}`, headers, signal } as const;
  const answer = await session.send(ask).catch((failure: unknown) => {
    if (!(failure instanceof RegistryRefusal)) throw failure;
    throw new RegistryRefusal(failure.code, `layer ${digest}: ${failure.message}`, failure.status);
  });
  const counter = new Counter((current) => progress.count(id, 'Downloading', { current, total: size }));
  try {
    // A server that does not know ranges begins anew, and one that lies about them too.
    let skip = answer.status === 206 ? from - (rangeStart(answer.headers['content-range']) ?? from) : from;
    if (skip < 0) throw broken(digest, 'the registry left a part out');
    for await (const chunk of answer.body) {
      if (!(chunk instanceof Uint8Array)) continue;
      const rest = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - rest.length;
      if (rest.length === 0) continue;
      reached.at += rest.length;
      counter.at(reached.at);
      yield rest;
    }
  } catch (failure) {
    if (signal.aborted) throw canceled('the download');
    if (failure instanceof PortholeError) throw failure;
    throw broken(digest, `${messageOf(failure)} after ${reached.at} of ${size} bytes`, failure);
  } finally {
    answer.body.destroy();
  }
  if (reached.at < size) throw broken(digest, `unexpected EOF after ${reached.at} of ${size} bytes`);
  progress.count(id, 'Downloading', { current: size, total: size });
  progress.update(id, 'Verifying Checksum');
}

const broken = (digest: string, why: string, cause?: unknown): RegistryUnreachable =>
  new RegistryUnreachable('GET', `layer ${digest}`, new Error(why, { cause }));

function rangeStart(header: string | undefined): number | undefined {
  const [, start] = /^bytes (\d+)-/.exec(header ?? '') ?? [];
  return start === undefined ? undefined : Number(start);
}
