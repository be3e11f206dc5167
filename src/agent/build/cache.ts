import type { History, ImageConfig, RunConfig } from '../oci/image.ts';
import type { ImageRecord, ImageStore } from '../store/contract.ts';
import { buffers, decompressed } from '../store/streams.ts';
import { isSameStep } from './run-config.ts';

/** What a step is looked up by. */
export interface StepKey {
  /** '' for FROM scratch. */
  readonly parentId: string;
  /** The config that the step's container has. */
  readonly config: RunConfig;
}

/** Finds the image that the same step made before. After the first step that none is found for, none is looked for. */
export class StepCache {
  readonly #images: ImageStore;
  readonly #signal: AbortSignal;
  #sources: readonly ImageRecord[] | undefined;
  #isBroken: boolean;

  /** @param options.from images that alone count, with what they were made from and the steps of their history; undefined: all that is here. */
  constructor(
    images: ImageStore,
    options: {
      readonly isOff: boolean;
      readonly from: readonly ImageRecord[] | undefined;
      readonly signal: AbortSignal;
    },
  ) {
    this.#images = images;
    this.#isBroken = options.isOff;
    this.#sources = options.from;
    this.#signal = options.signal;
  }

  async find(key: StepKey): Promise<ImageRecord | undefined> {
    if (this.#isBroken) return undefined;
    const found = await this.#find(key);
    this.#isBroken = found === undefined;
    return found;
  }

  async #find(key: StepKey): Promise<ImageRecord | undefined> {
    const [local] = this.#images
      .children(key.parentId === '' ? undefined : key.parentId)
      .filter(({ config }) => isSameStep(config.container_config, key.config));
    const sources = this.#sources;
    if (sources === undefined) return local;
    if (local && sources.some((source) => this.#isMadeFrom(source, local.id))) return local;
    return await this.#fromHistory(key, sources);
  }

  #isMadeFrom(image: ImageRecord, ancestor: string): boolean {
    for (let next = image.parent; next !== undefined; next = this.#images.get(next).parent) {
      if (next === ancestor) return true;
    }
    return false;
  }

  /** The next step of an image whose history begins as ours does. */
  async #fromHistory(key: StepKey, sources: readonly ImageRecord[]): Promise<ImageRecord | undefined> {
    const parent = key.parentId === '' ? undefined : this.#images.get(key.parentId);
    const position = parent?.config.history?.length ?? 0;
    const command = (key.config.Cmd ?? []).join(' ');
    for (const source of sources) {
      const { history = [] } = source.config;
      const step = history[position];
      if (!step || !beginsWith(source.config, parent?.config) || step.created_by !== command) continue;
      // From now on only this one: a step of another would not fit to what comes behind.
      this.#sources = [source];
      return history.length - 1 === position ? source : await this.#restored(key, { source, step, position });
    }
    return undefined;
  }

  /** The image after a step in the middle of a history, from the layers that are there. */
  async #restored(
    { parentId, config }: StepKey,
    from: { readonly source: ImageRecord; readonly step: History; readonly position: number },
  ): Promise<ImageRecord> {
    const { source, step, position } = from;
    const { history = [], os, architecture, author = '' } = source.config;
    const number = history.slice(0, position).filter((each) => each.empty_layer !== true).length;
    const content = await this.#images.content(source.id);
    try {
      const digest = step.empty_layer === true ? undefined : content.document.layers[number]?.digest;
      const layer = digest === undefined ? undefined : buffers(decompressed(content.open(digest)));
      return await this.#images.commit(parentId === '' ? undefined : parentId, {
        ...{
          config,
          container: { id: '', config },
          author,
          comment: '',
          createdBy: step.created_by ?? '',
          history: step,
        },
        platform: { os, architecture },
        ...(layer && { layer }),
        signal: this.#signal,
      });
    } finally {
      await content.close();
    }
  }
}

function beginsWith(image: ImageConfig, parent: ImageConfig | undefined): boolean {
  if (!parent) return true;
  const [mine, theirs] = [image.rootfs.diff_ids, parent.rootfs.diff_ids];
  const [history, before] = [image.history ?? [], parent.history ?? []];
  if (before.length >= history.length || theirs.length > mine.length) return false;
  const isSame = (one: History | undefined, other: History | undefined) =>
    JSON.stringify(one) === JSON.stringify(other);
  return before.every((step, at) => isSame(step, history[at])) && theirs.every((diffId, at) => diffId === mine[at]);
}
