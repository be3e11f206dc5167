import type Dockerode from 'dockerode';
import { credentialsFor } from './credentials.ts';
import { splitReference } from './reference.ts';
import { followTransfer } from './transfer.ts';

/** A name with the tag or digest that is pulled: without a tag an engine would bring every tag of the repository. */
export function pulledName(name: string): string {
  const { repo, tag } = splitReference(name);
  return name.includes('@') ? name : `${repo}:${tag}`;
}

/** Brings an image, with what `docker login` has kept. @returns the engine's last word */
export async function pullImage(
  docker: Dockerode,
  reference: string,
  { signal, say }: { readonly signal: AbortSignal; say(progress: string): void },
): Promise<string> {
  const authconfig = await credentialsFor(reference, { signal });
  const options = { ...(authconfig && { authconfig }), abortSignal: signal };
  return followTransfer(await docker.pull(reference, options), say);
}
