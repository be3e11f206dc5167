import { PortholeError } from '../../base/errors.ts';
import { phrase } from '../../base/phrases.ts';
import type { LayerChange, LayerView } from '../../protocol/layers.ts';
import { type Fleet, findHost, type ObjectRef } from '../fleet.ts';
import type { Host } from '../hosts/contract.ts';
import { type ChangeNode, changeTree } from './change-tree.ts';
import { checked } from './checked.ts';
import { changesSchema, layersSchema } from './layer-schemas.ts';

/** How many layers' change trees stay in memory; a big one has some ten thousand nodes. */
const keep = 24;

/** Reads what is inside images. A layer never changes, so what was read once is kept. */
export class Layers {
  readonly #fleet: Fleet;
  readonly #changes = new Map<string, Promise<readonly ChangeNode[]>>();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  /** Bottom first, the order of the Dockerfile. */
  async of(image: ObjectRef): Promise<readonly LayerView[]> {
    const answer = await this.#host(image).porthole(`/images/${image.id}/layers`);
    return checked(layersSchema, answer);
  }

  changes(image: ObjectRef, layer: LayerView): Promise<readonly ChangeNode[]> {
    const key = `${image.host}/${layer.chainId}`;
    const known = this.#changes.get(key);
    // Taken out and put back: the oldest entry of a Map is the one used longest ago.
    this.#changes.delete(key);
    const reading = known ?? this.#read(image, layer.position);
    this.#changes.set(key, reading);
    reading.catch(() => this.#changes.delete(key));
    for (const oldest of this.#changes.keys()) {
      if (this.#changes.size <= keep) break;
      this.#changes.delete(oldest);
    }
    return reading;
  }

  async #read(image: ObjectRef, position: number): Promise<readonly ChangeNode[]> {
    const path = `/images/${image.id}/layers/${position}/changes`;
    const changes: readonly LayerChange[] = checked(changesSchema, await this.#host(image).porthole(path));
    return changeTree(changes);
  }

  #host(ref: ObjectRef): Host {
    const entry = findHost(this.#fleet, ref.host);
    if (!entry) throw new PortholeError('not-found', phrase('No such host: {0}', ref.host));
    return entry.host;
  }
}
