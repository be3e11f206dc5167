import type { ChangeRow, LayerView, MergedEntry } from '../../protocol/layers.ts';
import type { ObjectRef } from '../fleet.ts';
import type { EngineGroup } from './groups.ts';
import type { NoteNode } from './inside-nodes.ts';

export interface ImageNode {
  readonly type: 'image';
  readonly ref: ObjectRef;
}

export interface LayerNode {
  readonly type: 'layer';
  readonly image: ObjectRef;
  readonly layer: LayerView;
}

/** A name that a layer changed, or a directory on the way to one. */
export interface FileNode {
  readonly type: 'file';
  readonly image: ObjectRef;
  readonly layer: LayerView;
  readonly row: ChangeRow;
}

/** What an image unfolds into beside its layers. */
export interface ImagePartNode {
  readonly type: 'part';
  readonly image: ObjectRef;
  readonly part: 'files' | 'configuration' | 'containers';
}

/** A name that a container of the image finds. */
export interface MergedNode {
  readonly type: 'merged';
  readonly image: ObjectRef;
  readonly entry: MergedEntry;
}

/** One line of an image's configuration. */
export interface FactNode {
  readonly type: 'fact';
  readonly image: ObjectRef;
  /** No other's of this image: a label may be called as a variable. */
  readonly id: string;
  readonly name: string;
  readonly value: string;
}

/** A container that was made from an image. */
export interface MadeNode {
  readonly type: 'made';
  readonly image: ObjectRef;
  readonly container: ObjectRef;
}

/** What can be below an image. */
export type InImageNode = LayerNode | FileNode | ImagePartNode | MergedNode | FactNode | MadeNode | NoteNode;

/** A row of the Images view. */
export type ImagesNode = EngineGroup | ImageNode | InImageNode;
