import type { Readable } from 'node:stream';
import { PortholeError } from '../../base/errors.ts';
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

/**
 * Begins an upload, or has the registry take the blob from another repository of its own.
 * @returns where the upload goes on; undefined when it was mounted.
 */
export async function beginUpload(
  session: Session,
  { path, signal, mount }: { path: string; signal: AbortSignal; mount?: { digest: string; from: string } },
): Promise<string | undefined> {
  const query = mount ? `?${new URLSearchParams({ mount: mount.digest, from: mount.from })}` : '';
  const ask = {
    method: 'POST',
    path: `/v2/${path}/blobs/uploads/${query}`,
    body: bodyOf(''),
    deadline: patience,
    signal,
  } as const;
  const answer = await session.send(ask);
  answer.body.resume();
  if (answer.status === 201) return undefined;
  return placeOf(answer, session);
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
