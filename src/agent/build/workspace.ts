import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, readdir, rm, rmdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isKind } from '../../base/errors.ts';
import type { Containers } from '../container/contract.ts';
import type { Shims } from '../shim/contract.ts';
import { removeTrees } from '../shim/remove-tree.ts';
import { openSpool } from './context.ts';

/** A place of one build on the disk: `builds/work/ID`. What a crash leaves there the next start takes away. */
export class Workspace {
  readonly directory: string;
  readonly #parts: WorkspaceParts;
  #count = 0;
  readonly #files: FileHandle[] = [];
  #filled: Promise<void> | undefined;

  private constructor(directory: string, parts: WorkspaceParts) {
    this.directory = directory;
    this.#parts = parts;
  }

  static async open(parts: WorkspaceParts): Promise<Workspace> {
    const directory = join(workRoot(parts), randomBytes(8).toString('hex'));
    await mkdir(directory, { mode: 0o700 });
    return new Workspace(directory, parts);
  }

  /** A file for bytes, closed at the end; no name leads to it. */
  async spool(): Promise<FileHandle> {
    const file = await openSpool(join(this.directory, `bytes-${this.#count++}`), unlink);
    this.#files.push(file);
    return file;
  }

  /** Directories for an overlay mount, for as long as the task takes. */
  async layer<T>(task: (directories: { upper: string; work: string; at: string }) => Promise<T>): Promise<T> {
    await this.#fill();
    const place = join(this.directory, `layer-${this.#count++}`);
    const directories = { upper: join(place, 'upper'), work: join(place, 'work'), at: join(place, 'root') };
    await mkdir(place, { mode: 0o700 });
    for (const path of Object.values(directories)) await mkdir(path, { mode: 0o755 });
    try {
      return await task(directories);
    } finally {
      await removeTrees(this.#parts, [place]);
    }
  }

  /** Remembers a container that is about to be made: a crash must not leave it. */
  async expect(id: string): Promise<void> {
    await this.#fill();
    await writeFile(join(this.directory, 'containers', id), '');
  }

  /** It is gone, or is to stay. */
  async forget(id: string): Promise<void> {
    await rm(join(this.directory, 'containers', id), { force: true });
  }

  async remove(): Promise<void> {
    for (const file of this.#files.splice(0)) await file.close();
    if (this.#filled) await removeTrees(this.#parts, [this.directory]);
    else await rmdir(this.directory);
  }

  /** A build that finds every step in the cache needs none of this. */
  #fill(): Promise<void> {
    this.#filled ??= (async () => {
      await mkdir(join(this.directory, 'containers'), { mode: 0o700 });
      // What is stacked below an image without layers.
      await mkdir(join(this.directory, 'empty'), { mode: 0o755 });
    })();
    return this.#filled;
  }
}

export interface WorkspaceParts {
  readonly dataRoot: string;
  readonly shims: Shims;
}

const workRoot = ({ dataRoot }: Pick<WorkspaceParts, 'dataRoot'>): string => join(dataRoot, 'builds', 'work');

/** Takes away what builds left that were cut off. */
export async function clearLeftovers(
  parts: WorkspaceParts & { readonly containers: Pick<Containers, 'remove'> },
): Promise<void> {
  const root = workRoot(parts);
  await mkdir(root, { recursive: true, mode: 0o700 });
  for (const name of await readdir(root)) {
    const ids = await readdir(join(root, name, 'containers')).catch(() => []);
    for (const id of ids) await removeContainer(parts.containers, id);
    await removeTrees(parts, [join(root, name)]);
  }
}

/** One that is gone already is fine. */
export async function removeContainer(containers: Pick<Containers, 'remove'>, id: string): Promise<void> {
  try {
    await containers.remove(id, { force: true, volumes: true });
  } catch (failure) {
    if (!isKind(failure, 'not-found')) throw failure;
  }
}
