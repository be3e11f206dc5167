import { isIndexType } from '../store/documents.ts';
import type { Reference } from '../store/reference.ts';
import type { RemoteImage } from './contract.ts';
import { fetchConfig, fetchDocument, readIndex, readManifest } from './manifests.ts';
import type { Session } from './session.ts';

/** What a name means at a registry, and for which platforms there is an image. */
export async function inspectRemote(
  session: Session,
  { reference, signal }: { readonly reference: Reference; readonly signal: AbortSignal },
): Promise<RemoteImage> {
  const { path } = reference;
  const document = await fetchDocument(session, {
    path,
    reference: reference.digest ?? reference.tag ?? 'latest',
    signal,
  });
  const { mediaType, digest, bytes } = document;
  const Descriptor = { mediaType, digest, size: bytes.length };
  if (isIndexType(mediaType)) {
    const Platforms = readIndex(document).manifests.flatMap(({ platform }) => platform ?? []);
    return { Descriptor, Platforms };
  }
  const { parsed } = await fetchConfig(session, { path, manifest: readManifest(document), signal });
  const { architecture, os, variant } = parsed;
  return { Descriptor, Platforms: [{ architecture, os, ...(variant !== undefined && { variant }) }] };
}
