import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { KeyedLock } from '../../base/async.ts';
import { errnoOf, isKind } from '../../base/errors.ts';
import { IndexFile } from '../layers/index-file.ts';
import { WeightedCache } from '../store/cache.ts';
import { readJsonFile, removeStaleTemporaries, writeDurable } from '../sys/durable.ts';

/** A layer that was described. */
export interface DescribedLayer extends LayerFacts {
  readonly index: IndexFile;
}

export type LayerFacts = v.InferOutput<typeof LayerFactsSchema>;

/** What an index does not say of its layer by itself. */
const LayerFactsSchema = v.object({
  version: v.literal(1),
  /** Bytes of files and symbolic links, an inode once. */
  size: v.number(),
  /** Of a layer out of an archive: the name of its file there. */
  file: v.exactOptional(v.string()),
});

/**
 * Indexes of other engines' layers, in a directory of ours. What was used longest ago goes first when there is too much; all
 * of it may be removed at any time. An index appears and goes by rename, and one that a crash has damaged is made anew.
 */
export class IndexCache {
  readonly #directory: string;
  readonly #limit: number;
  readonly #locks = new KeyedLock();
  readonly #pins = new Map<string, number>();
  readonly #known = new WeightedCache<DescribedLayer>(inMemory, ({ index }) => index.weight);

  private constructor(directory: string, limit: number) {
    this.#directory = directory;
    this.#limit = limit;
  }

  /** @param limit bytes of all indexes together. */
  static async open(directory: string, limit = usualLimit): Promise<IndexCache> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(directory)) {
      if (name.startsWith(unfinished)) await rm(join(directory, name), { recursive: true, force: true });
    }
    await removeStaleTemporaries(directory);
    return new IndexCache(directory, limit);
  }

  /** Keeps an index until what is returned is called, whether it is there or comes. */
  pin(key: string): () => void {
    this.#pins.set(key, (this.#pins.get(key) ?? 0) + 1);
    return () => {
      const count = (this.#pins.get(key) ?? 1) - 1;
      if (count > 0) this.#pins.set(key, count);
      else this.#pins.delete(key);
    };
  }

  async get(key: string): Promise<DescribedLayer | undefined> {
    try {
      return await this.#known.get(key, () => this.#read(key));
    } catch (failure) {
      if (!isUseless(failure)) throw failure;
      return undefined;
    }
  }

  /**
   * Describes a layer unless it is there; two that want the same one wait for each other.
   * @param fill writes `index` into a directory.
   */
  ensure(key: string, fill: (directory: string) => Promise<Omit<LayerFacts, 'version'>>): Promise<DescribedLayer> {
    return this.#locks.run(key, async () => (await this.get(key)) ?? (await this.#make(key, fill)));
  }

  /** A document that was kept. Undefined: there is none any more. */
  async document(key: string): Promise<Buffer | undefined> {
    return await readFile(join(this.#directory, key)).catch((failure: unknown) => {
      if (errnoOf(failure) !== 'ENOENT') throw failure;
      return undefined;
    });
  }

  /** Keeps a document beside the indexes, as long as there is room. @param key no other's, and none of an index */
  async keep(key: string, data: Buffer): Promise<void> {
    await writeDurable(join(this.#directory, key), data, { mode: 0o600 });
    await this.#trim(key);
  }

  /** A directory of the cache's own for the time of a task. */
  async scratch<T>(task: (directory: string) => Promise<T>): Promise<T> {
    const directory = await mkdtemp(join(this.#directory, unfinished));
    try {
      return await task(directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async #make(key: string, fill: (directory: string) => Promise<Omit<LayerFacts, 'version'>>): Promise<DescribedLayer> {
    return await this.scratch(async (scratch) => {
      const directory = join(scratch, 'made');
      await mkdir(directory, { mode: 0o700 });
      const facts: LayerFacts = { version: 1, ...(await fill(directory)) };
      await writeDurable(join(directory, 'layer.json'), `${JSON.stringify(facts)}\n`, { mode: 0o600 });
      const place = join(this.#directory, key);
      // What lies there was of no use.
      await rm(place, { recursive: true, force: true });
      await rename(directory, place);
      await this.#trim(key);
      return await this.#known.get(key, () => this.#read(key));
    });
  }

  async #read(key: string): Promise<DescribedLayer> {
    const directory = join(this.#directory, key);
    const facts = v.parse(LayerFactsSchema, await readJsonFile(join(directory, 'layer.json')));
    const index = await IndexFile.read(join(directory, 'index'));
    const now = new Date();
    await utimes(directory, now, now);
    return { ...facts, index };
  }

  async #trim(keep: string): Promise<void> {
    const found: { readonly key: string; readonly bytes: number; readonly used: number }[] = [];
    for (const key of await readdir(this.#directory)) {
      if (key.startsWith(unfinished) || key.startsWith('.')) continue;
      const [place, index] = await Promise.all(
        [join(this.#directory, key), join(this.#directory, key, 'index')].map((path) =>
          stat(path).catch(() => undefined),
        ),
      );
      found.push({ key, bytes: (index ?? place)?.size ?? 0, used: place?.mtimeMs ?? 0 });
    }
    let total = found.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { key, bytes } of found.sort((a, b) => a.used - b.used)) {
      if (total <= this.#limit) return;
      if (key === keep || this.#pins.has(key)) continue;
      this.#known.delete(key);
      await rm(join(this.#directory, key), { recursive: true, force: true });
      total -= bytes;
    }
  }
}

/** Of names of directories that are not in their place yet. */
const unfinished = 'new-';
/** A million entries take about 200 MB. */
const usualLimit = 2 ** 30;
const inMemory = 1 << 24;

/** Not there, or not whole. */
const isUseless = (failure: unknown): boolean =>
  failure instanceof v.ValiError || isKind(failure, 'internal') || errnoOf(failure) === 'ENOENT';
