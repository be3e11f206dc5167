import { join } from 'node:path';
import * as v from 'valibot';
import { parseImageConfig } from '../store/documents.ts';
import { isThere } from '../sys/files.ts';
import type { ImageStorage, PlacedImage } from './contract.ts';
import { document } from './docker-storage.ts';
import { ambiguous, notUnderstood } from './errors.ts';

const hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const Images = v.array(
  v.object({ id: hex, names: v.optional(v.nullable(v.array(v.string()))), layer: v.optional(v.string(), '') }),
);

const Layers = v.array(
  v.object({
    id: hex,
    parent: v.optional(v.string(), ''),
    'diff-digest': v.optional(v.string(), ''),
    uidmap: v.optional(v.nullable(v.array(v.unknown()))),
    gidmap: v.optional(v.nullable(v.array(v.unknown()))),
  }),
);

/**
 * The storage of Podman, Buildah and CRI-O with the driver overlay:
 *
 *   overlay-images/images.json         images with their names and topmost layer
 *   overlay-images/ID/=BASE64          an image's documents; the config is called by its digest
 *   overlay-layers/layers.json         layers with their parents and diff ids
 *   overlay/ID/diff                    what overlayfs stacks
 */
export class PodmanStorage implements ImageStorage {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async find(name: string): Promise<string | undefined> {
    const images = await this.#images();
    const wanted = name.replace(/^sha256:/, '');
    const full = namesOf(name);
    const found = images.find(({ id, names }) => id === wanted || names?.some((one) => full.includes(one)));
    if (found) return `sha256:${found.id}`;
    if (!/^[0-9a-f]{2,63}$/.test(wanted)) return undefined;
    const [first, ...others] = images.filter(({ id }) => id.startsWith(wanted));
    if (others.length > 0) throw ambiguous('podman', wanted);
    return first && `sha256:${first.id}`;
  }

  async ids(): Promise<readonly string[]> {
    return (await this.#images()).map(({ id }) => `sha256:${id}`);
  }

  async image(id: string): Promise<PlacedImage | undefined> {
    const found = (await this.#images()).find((one) => `sha256:${one.id}` === id);
    if (!found) return undefined;
    const name = `=${Buffer.from(id).toString('base64')}`;
    const data = await document(join(this.#root, 'overlay-images', found.id, name));
    if (data === undefined) return undefined;
    const config = parseImageConfig(data, id);
    const directories = await this.#directories(found.layer, config.rootfs.diff_ids);
    return directories && { config, directories };
  }

  async #images(): Promise<v.InferOutput<typeof Images>> {
    return (await this.#read('overlay-images/images.json', Images)) ?? [];
  }

  async #directories(top: string, diffIds: readonly string[]): Promise<string[] | undefined> {
    const layers = new Map((await this.#read('overlay-layers/layers.json', Layers))?.map((one) => [one.id, one]));
    const found: string[] = [];
    let next = top;
    for (const diffId of [...diffIds].reverse()) {
      const layer = layers.get(next);
      // Owners of a layer that was made for a user namespace are not the image's.
      if (layer?.['diff-digest'] !== diffId || layer.uidmap?.length || layer.gidmap?.length) return undefined;
      const directory = join(this.#root, 'overlay', layer.id, 'diff');
      if (!(await isThere(directory))) return undefined;
      found.unshift(directory);
      next = layer.parent;
    }
    return next === '' ? found : undefined;
  }

  async #read<T>(name: string, schema: v.GenericSchema<unknown, T>): Promise<T | undefined> {
    const path = join(this.#root, name);
    const data = await document(path);
    if (data === undefined) return undefined;
    try {
      return v.parse(schema, JSON.parse(data.toString('utf8')));
    } catch (failure) {
      throw notUnderstood(path, failure);
    }
  }
}

/** What a name may mean, in Podman's order. */
function namesOf(name: string): string[] {
  const tagged = /(:[^/]+|@sha256:[0-9a-f]{64})$/.test(name) ? name : `${name}:latest`;
  return [tagged, `localhost/${tagged}`, `docker.io/library/${tagged}`, `docker.io/${tagged}`];
}
