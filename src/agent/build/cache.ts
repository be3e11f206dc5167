import type { History, RunConfig } from '../oci/image.ts';
import type { ImageRecord, ImageStore } from '../store/contract.ts';
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
  #sources: readonly ImageRecord[];
  #isBroken: boolean;

  /** @param options.from images whose history counts beside what was built here; undefined: only what was built here. */
  constructor(images: ImageStore, options: { readonly isOff: boolean; readonly from: readonly ImageRecord[] }) {
    this.#images = images;
    this.#isBroken = options.isOff;
    this.#sources = options.from;
  }

  find(key: StepKey): ImageRecord | undefined {
    if (this.#isBroken) return undefined;
    const found = this.#find(key);
    this.#isBroken = found === undefined;
    return found;
  }

  #find(key: StepKey): ImageRecord | undefined {
    const local = this.#images
      .children(key.parentId === '' ? undefined : key.parentId)
      .filter(({ config }) => isSameStep(config.container_config, key.config))
      .sort((a, b) => Date.parse(b.created) - Date.parse(a.created))[0];
    return local ?? this.#fromSources(key);
  }

  /** The next one in the history of an image that begins as ours does, where that is its last step. */
  #fromSources({ parentId, config }: StepKey): ImageRecord | undefined {
    const parent = parentId === '' ? undefined : this.#images.get(parentId);
    const before = parent?.config.history ?? [];
    for (const source of this.#sources) {
      const history = source.config.history ?? [];
      if (!beginsWith(source, parent) || history[before.length]?.created_by !== (config.Cmd ?? []).join(' ')) continue;
      this.#sources = [source];
      if (history.length - 1 === before.length) return source;
    }
    return undefined;
  }
}

function beginsWith(image: ImageRecord, parent: ImageRecord | undefined): boolean {
  if (!parent) return true;
  const [mine, theirs] = [image.config.rootfs.diff_ids, parent.config.rootfs.diff_ids];
  const [history, before] = [image.config.history ?? [], parent.config.history ?? []];
  if (before.length >= history.length || theirs.length > mine.length) return false;
  const isSame = (one: History | undefined, other: History | undefined) =>
    JSON.stringify(one) === JSON.stringify(other);
  return before.every((step, at) => isSame(step, history[at])) && theirs.every((diffId, at) => diffId === mine[at]);
}
