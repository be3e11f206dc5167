import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.ts';
import { chainIdsOf } from '../store/catalog.ts';
import { parseImageConfig } from '../store/documents.ts';
import { largestDocument } from '../store/spool.ts';
import { isThere } from '../sys/files.ts';
import type { ImageStorage, PlacedImage } from './contract.ts';

/**
 * The data root of a dockerd with the driver overlay2:
 *
 *   image/overlay2/imagedb/content/sha256/ID       an image's config
 *   image/overlay2/layerdb/sha256/CHAIN/diff       the diff id of a layer
 *   image/overlay2/layerdb/sha256/CHAIN/cache-id   the name of its directory
 *   overlay2/CACHE-ID/diff                         what overlayfs stacks
 */
export class DockerStorage implements ImageStorage {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** dockerd knows its names and images, and answers whenever there is something to ask. */
  async find(): Promise<undefined> {
    return undefined;
  }

  async ids(): Promise<readonly string[]> {
    return [];
  }

  async image(id: string): Promise<PlacedImage | undefined> {
    const data = await document(join(this.#root, 'image/overlay2/imagedb/content/sha256', hexOf(id)));
    if (data === undefined) return undefined;
    const config = parseImageConfig(data, id);
    const directories: string[] = [];
    for (const [position, chainId] of chainIdsOf(config).entries()) {
      const directory = await this.#directoryOf(chainId, config.rootfs.diff_ids[position]);
      if (directory === undefined) return undefined;
      directories.push(directory);
    }
    return { config, directories };
  }

  async #directoryOf(chainId: string, diffId: string | undefined): Promise<string | undefined> {
    const layer = join(this.#root, 'image/overlay2/layerdb/sha256', hexOf(chainId));
    const [diff, cacheId] = await Promise.all(['diff', 'cache-id'].map((name) => document(join(layer, name))));
    const name = cacheId?.toString('latin1') ?? '';
    if (diff?.toString('latin1') !== diffId || !directoryName.test(name)) return undefined;
    const directory = join(this.#root, 'overlay2', name, 'diff');
    return (await isThere(directory)) ? directory : undefined;
  }
}

/** What dockerd and BuildKit call a layer's directory; nothing that could lead elsewhere. */
const directoryName = /^[a-z0-9]{1,128}$/;
const digest = /^sha256:([0-9a-f]{64})$/;

/** @returns a name that is in no directory for what is no digest. */
export const hexOf = (id: string): string => digest.exec(id)?.[1] ?? 'none';

/** A small file, undefined when there is none. */
export async function document(path: string): Promise<Buffer | undefined> {
  try {
    const data = await readFile(path);
    return data.length > largestDocument ? undefined : data;
  } catch (failure) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errnoOf(failure) ?? '')) return undefined;
    throw failure;
  }
}
