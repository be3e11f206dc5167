import { text } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import type { Scene } from './scene.ts';

/** A file of a container as the engine has it; undefined: not there. */
export async function textInside(scene: Scene, container: string, path: string): Promise<string | undefined> {
  const archive = await scene.docker
    .getContainer(container)
    .getArchive({ path })
    .catch(() => undefined);
  if (archive === undefined) return undefined;
  const unpack = extract();
  archive.pipe(unpack);
  let found: string | undefined;
  for await (const entry of unpack) found = entry.header.type === 'file' ? await text(entry) : '';
  return found;
}
