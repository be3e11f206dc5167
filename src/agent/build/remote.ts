import type { FileHandle } from 'node:fs/promises';
import { PortholeError } from '../../base/errors.ts';
import type { UnpackLimits } from '../store/unpack-limits.ts';
import { type BuildContext, readContext, textContext } from './context.ts';
import { failed, wrapped } from './errors.ts';
import type { BuilderParts } from './job.ts';

const git = /^(?:git:|git@|github\.com\/)|\.git(?:#|$)/;
const archives = /^application\/(?:octet-stream|gzip|(?:x-)?(?:tar|gzip|bzip2|xz))$/;

/** @throws unsupported for what only git can bring; invalid for what is no address */
export function checkRemote(address: string): void {
  if (git.test(address)) {
    throw new PortholeError(
      'unsupported',
      `Building from the git repository ${address} is not supported: there is no git here`,
    );
  }
  if (!/^https?:\/\//.test(address)) throw failed(`remoteURL (${address}) could not be recognized as URL`);
}

/** A context that the engine fetches: an archive, or a Dockerfile by itself, as its server says. */
export async function remoteContext(
  parts: Pick<BuilderParts, 'fetch'>,
  address: string,
  options: {
    readonly file: FileHandle;
    readonly limits: UnpackLimits;
    readonly dockerfile: string;
    readonly signal: AbortSignal;
  },
): Promise<BuildContext> {
  const { file, limits, dockerfile, signal } = options;
  const words = `error downloading remote context ${address}`;
  const answer = await parts.fetch(address, signal).catch((failure: unknown) => {
    throw signal.aborted ? failure : wrapped(words, failure);
  });
  try {
    if (answer.status >= 400) throw failed(`${words}: failed to GET ${address} with status ${answer.status}`);
    const [type = ''] = (answer.headers['content-type'] ?? '').split(';');
    if (type.trim() === 'text/plain') return await textContext(answer.body, { file, path: dockerfile });
    if (archives.test(type.trim())) return await readContext(answer.body, { file, limits, signal });
    throw failed(
      `error detecting content type for remote ${address}: unsupported Content-Type ${JSON.stringify(type)}`,
    );
  } finally {
    answer.body.destroy();
  }
}
