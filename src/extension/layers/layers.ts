import { PortholeError } from '../../base/errors.ts';
import { phrase } from '../../base/phrases.ts';
import {
  changesSchema,
  directorySchema,
  layersSchema,
  mergedListSchema,
  versionsSchema,
  wasteSchema,
} from '../../protocol/layer-schemas.ts';
import type {
  ChangeDirectory,
  ChangeRow,
  LayerChange,
  LayerView,
  MergedEntry,
  PathVersion,
  WasteReport,
} from '../../protocol/layers.ts';
import { encodePath, imageRoute } from '../../protocol/paths.ts';
import { checked } from '../checked.ts';
import { type Fleet, findHost, keyOf, type Layered, type ObjectRef } from '../fleet.ts';
import type { Host } from '../hosts/contract.ts';

/** How many answers about layers stay in memory. */
const keep = 60;

/** Where in an image: a directory, and the name that a page begins after. */
export interface Place {
  /** Relative to the root; '' is the root. */
  readonly path: string;
  readonly after?: string;
  /** Rows, 10,000 at most. */
  readonly limit?: number;
}

/** Something with a tree of files: an image, or a container of our own engine's. */
export interface Compared {
  readonly kind: 'image' | 'container';
  readonly ref: ObjectRef;
  readonly name: string;
}

/** Asks an agent what is inside images and containers. An image never changes, so that answers are kept, the last used of them. */
export class Layers {
  readonly #fleet: Fleet;
  readonly #known = new Map<string, Promise<unknown>>();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  /** Bottom first, the order of the Dockerfile. Which images share a layer can change: it is asked each time. */
  async of(image: Layered, signal?: AbortSignal): Promise<readonly LayerView[]> {
    return checked(layersSchema, await this.#ask(image, 'layers', signal));
  }

  /** What a layer did to the names of one directory. */
  async directory(image: Layered, position: number, place: Place): Promise<ChangeDirectory> {
    const answer = await this.#once(image, `layers/${position}/changes/directory?${queryOf(place)}`);
    return checked(directorySchema, answer);
  }

  /** All that a layer did, in the order of paths. */
  async changes(image: Layered, position: number): Promise<readonly LayerChange[]> {
    return checked(changesSchema, await this.#once(image, `layers/${position}/changes`));
  }

  /** What a container of the image finds in a directory. */
  async merged(image: Layered, place: Place): Promise<readonly MergedEntry[]> {
    return checked(mergedListSchema, await this.#once(image, `merged?${queryOf(place)}`));
  }

  /** Which layers touched a path, bottom first. */
  async versions(image: Layered, path: string): Promise<readonly PathVersion[]> {
    return checked(versionsSchema, await this.#once(image, `versions?path=${encodePath(path)}`));
  }

  /** What is stored and seen by nobody. */
  async waste(image: Layered): Promise<WasteReport> {
    return checked(wasteSchema, await this.#once(image, 'waste?limit=200'));
  }

  /** What `right` has otherwise than `left`, in the order of paths; both are on one host. Containers change: asked each time. */
  async differences(left: Compared, right: Compared, signal: AbortSignal): Promise<readonly LayerChange[]> {
    const query = `${sideQuery('left', left)}&${sideQuery('right', right)}`;
    return checked(changesSchema, await this.#host(left.ref.host).porthole(`/compare?${query}`, { signal }));
  }

  #once(image: Layered, question: string): Promise<unknown> {
    // A container goes on changing.
    if (image.object === 'container') return this.#ask(image, question);
    const key = `${keyOf(image)}/${question}`;
    const known = this.#known.get(key);
    // Taken out and put back: the oldest entry of a Map is the one used longest ago.
    this.#known.delete(key);
    const asking = known ?? this.#ask(image, question);
    this.#known.set(key, asking);
    asking.catch(() => this.#known.delete(key));
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= keep) break;
      this.#known.delete(oldest);
    }
    return asking;
  }

  async #ask(image: Layered, question: string, signal?: AbortSignal): Promise<unknown> {
    return this.#host(image.host).porthole(`${imageRoute(image)}/${question}`, signal ? { signal } : {});
  }

  #host(id: string): Host {
    const entry = findHost(this.#fleet, id);
    if (!entry) throw new PortholeError('not-found', phrase('No such host: {0}', id));
    return entry.host;
  }
}

/**
 * A directory whose time alone differs: every file made in it does that, and a row for each would bury the others.
 */
export function isOnlyTouched({ change, below }: ChangeRow): boolean {
  return (
    change?.kind === 'modified' &&
    change.after?.type === 'directory' &&
    (change.differs ?? []).every((aspect) => aspect === 'time') &&
    below.added + below.modified + below.deleted === 0
  );
}

function sideQuery(side: 'left' | 'right', { kind, ref }: Compared): string {
  const id = encodeURIComponent(ref.id);
  if (kind === 'container') return `${side}Container=${id}`;
  return ref.engine === 'porthole' ? `${side}=${id}` : `${side}=${id}&${side}Engine=${ref.engine}`;
}

function queryOf({ path, after = '', limit }: Place): string {
  const parts = [
    `path=${encodePath(path)}`,
    ...(after === '' ? [] : [`after=${encodePath(after)}`]),
    ...(limit === undefined ? [] : [`limit=${limit}`]),
  ];
  return parts.join('&');
}
