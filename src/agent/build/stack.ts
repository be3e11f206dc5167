import { chmod, chown } from 'node:fs/promises';
import type { FileRoot } from '../files/contract.ts';
import { openFileRoot } from '../files/root.ts';
import type { ImageRecord } from '../store/contract.ts';
import type { BuildJob } from './job.ts';

/** The files of an image, with what is written to them going to a directory of the build. */
export async function openStack(
  job: Pick<BuildJob, 'parts' | 'workspace'>,
  options: {
    /** Undefined: none, as for FROM scratch. */
    readonly image: ImageRecord | undefined;
    readonly directories: { readonly upper: string; readonly work: string; readonly at: string };
    readonly signal: AbortSignal;
  },
): Promise<FileRoot> {
  const { image, directories, signal } = options;
  const { images } = job.parts;
  const layers = image ? images.rootfs(image.id) : { base: job.workspace.directory, lowers: ['empty'] };
  const top = image && (await images.lookup(image.id, ''));
  if (top) {
    // The upper directory is the root: it takes after the image's.
    await chown(directories.upper, top.uid, top.gid);
    await chmod(directories.upper, top.mode);
  }
  return await openFileRoot(job.parts, { kind: 'stack', ...layers, ...directories, binds: [] }, { signal });
}
