import type { Readable } from 'node:stream';
import type { LayerEntry, LayerView } from '../../protocol/layers.ts';
import type { IndexFile } from './index-file.ts';

/**
 * Questions about images as stacks of changesets, answered by walking sorted indexes.
 *
 * Vocabulary
 * - An **index** describes one layer: its entries and whiteouts in one file, sorted by key (`keys.ts`).
 * - A **cursor** is a place in an index that moves forward; a **walk** moves the cursors of a stack together.
 * - A layer **claims** a path when its index has a record of it; it **hides** what the layers below it have there.
 *
 * Nothing here knows whose image it is: ours, another engine's, or the writable layer of a container on its image.
 *
 * @example
 * await walkChanges(image, { position: 3 }, ({ kind, after }) => console.log(kind, after?.entry().path));
 */
export interface LayeredImage {
  readonly id: string;
  /** Bottom first. */
  readonly layers: readonly LayerView[];
  /** Bottom first. What has none yet gets one. */
  indexes(signal: AbortSignal): Promise<readonly IndexFile[]>;
  /**
   * A regular file as a layer stores it.
   * @param entry what that layer's own index says.
   * @throws invalid when it is no regular file.
   */
  open(position: number, entry: LayerEntry): OpenedFile;
}

export interface OpenedFile {
  readonly size: number;
  readonly entry: LayerEntry;
  stream(range?: { readonly start: number; readonly end: number }): Readable;
}

/** Which part of which tree is asked for. */
export interface Part {
  /** The highest layer that counts; the topmost of all when undefined. */
  readonly position?: number | undefined;
  /** Only what lies at and below it. The root, so everything, when undefined. */
  readonly path?: string | undefined;
  readonly signal: AbortSignal;
}
