import type { Readable } from 'node:stream';
import { PortholeError } from '../../base/errors.ts';
import { RegistryRefusal } from './answers.ts';
import { bodyOf, patience } from './auth.ts';
import { registryFailure } from './errors.ts';
import type { Answer } from './http.ts';
import type { Session } from './session.ts';

export interface SentBlob {
  readonly digest: string;
  readonly size: number;
  open(): Readable;
}

/** True when the repository has the blob. */
export async function hasBlob(
  session: Session,
  at: { path: string; digest: string; signal: AbortSignal },
): Promise<boolean> {
  const address = `/v2/${at.path}/blobs/${at.digest}`;
  const answer = await session.send({ method: 'HEAD', path: address, deadline: patience, signal: at.signal }, [404]);
  answer.body.destroy();
  return answer.status === 200;
}

/** Begins an upload. @returns where it goes on */
export async function beginUpload(session: Session, at: { path: string; signal: AbortSignal }): Promise<string> {
  const place = await begin(session, { ...at, query: '', scopes: [] });
  if (place === undefined) throw registryFailure(`the registry ${new URL(session.base).host} began no upload`);
  return place;
}

/**
 * Has the registry take a blob from another repository of its own.
 * @returns where an upload goes on when it does not; undefined when it is there.
 */
export async function mountBlob(
  session: Session,
  { digest, from, ...at }: { path: string; digest: string; from: string; signal: AbortSignal },
): Promise<string | undefined> {
  const query = `?${new URLSearchParams({ mount: digest, from })}`;
  try {
    return await begin(session, { ...at, query, scopes: [`repository:${from}:pull`] });
  } catch (failure) {
    // Whoever may write here need not be one who may read there.
    if (!(failure instanceof RegistryRefusal) || failure.status >= 500) throw failure;
    return await beginUpload(session, at);
  }
}

async function begin(
  session: Session,
  { path, query, scopes, signal }: { path: string; query: string; scopes: readonly string[]; signal: AbortSignal },
): Promise<string | undefined> {
  const address = `/v2/${path}/blobs/uploads/${query}`;
  const ask = { method: 'POST', path: address, body: bodyOf(''), deadline: patience, scopes, signal } as const;
  const answer = await session.send(ask);
  answer.body.resume();
  return answer.status === 201 ? undefined : placeOf(answer, session);
}

/** Sends a blob in one piece and has the registry verify it. @param onBytes told how many bytes have been read */
export async function upload(
  session: Session,
  blob: SentBlob,
  { place, signal, onBytes }: { place: string; signal: AbortSignal; onBytes: (total: number) => void },
): Promise<void> {
  const body = {
    length: blob.size,
    open: () => {
      let total = 0;
      return blob.open().on('data', (chunk: Buffer) => {
        total += chunk.length;
        onBytes(total);
      });
    },
  };
  const headers = { 'Content-Type': 'application/octet-stream' };
  const sent = await session.send({ method: 'PATCH', path: place, headers, body, signal });
  sent.body.resume();
  const last = new URL(placeOf(sent, session));
  last.searchParams.set('digest', blob.digest);
  const done = await session.send({ method: 'PUT', path: last.href, headers, body: bodyOf(''), signal });
  done.body.resume();
}

/** Where a registry says that an upload goes on. Behind a proxy that ends TLS it may not know how it is reached. */
function placeOf({ headers, url }: Answer, { base }: Session): string {
  const { location } = headers;
  if (location === undefined)
    throw registryFailure(`the registry ${new URL(base).host} does not say where an upload goes on`);
  try {
    const place = new URL(location, url);
    const own = new URL(base);
    if (place.host === own.host) place.protocol = own.protocol;
    if (!['http:', 'https:'].includes(place.protocol)) throw new Error(place.protocol);
    return place.href;
  } catch (failure) {
    throw new PortholeError('unavailable', `the registry names no place for an upload: ${location.slice(0, 200)}`, {
      cause: failure,
    });
  }
}
