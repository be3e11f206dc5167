import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';

/** Files with their content as an archive. */
export function tarOf(files: Readonly<Record<string, string | Buffer>>, mode = 0o644): Promise<Buffer> {
  const tar = pack();
  const bytes = buffer(tar);
  for (const [name, content] of Object.entries(files)) tar.entry({ name, mode }, content);
  tar.finalize();
  return bytes;
}
