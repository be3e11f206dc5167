import type { LayerEntry } from '../../protocol/layers.ts';
import { Column } from './columns.ts';
import type { LayerTree, NodeId } from './layer-tree.ts';
import { Spill } from './spill.ts';

/** What every name of one inode shares. */
export type Inode = Omit<LayerEntry, 'path' | 'hardlink' | 'opaque'>;

/** What an archive says about the inodes of a layer, kept out of memory until the index is written. */
export class Inodes {
  readonly #spill: Spill;
  readonly #places = new Column();
  /** Inodes with several names, with the first of these in the order of paths once that is known. */
  readonly #shared = new Map<number, NodeId>();

  constructor(spill: string) {
    this.#spill = new Spill(spill);
  }

  async add(tree: LayerTree, inode: Inode): Promise<number> {
    const place = await this.#spill.add(JSON.stringify(inode));
    const number = tree.newInode(inode.link);
    this.#places.set(number, place);
    return number;
  }

  async get(number: number): Promise<Inode> {
    return JSON.parse(await this.#spill.get(this.#places.get(number)));
  }

  share(number: number): void {
    this.#shared.set(number, 0);
  }

  /** It has, or had, several names. */
  isShared(number: number): boolean {
    return this.#shared.has(number);
  }

  /** The name that an inode was met by first, when `node` is not that one. */
  firstName(number: number, node: NodeId): NodeId | undefined {
    const first = this.#shared.get(number);
    if (first === 0) this.#shared.set(number, node);
    return first === 0 ? undefined : first;
  }

  close(): Promise<void> {
    return this.#spill.close();
  }
}
