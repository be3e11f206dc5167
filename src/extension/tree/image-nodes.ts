import type { LayerView } from '../../protocol/layers.ts';
import type { ObjectRef } from '../fleet.ts';
import type { ChangeNode } from './change-tree.ts';
import type { EngineGroup } from './groups.ts';

export interface ImageNode {
  readonly type: 'image';
  readonly ref: ObjectRef;
}

export interface LayerNode {
  readonly type: 'layer';
  readonly image: ObjectRef;
  readonly layer: LayerView;
}

export interface FileNode {
  readonly type: 'file';
  readonly image: ObjectRef;
  readonly layer: LayerView;
  readonly node: ChangeNode;
}

export interface MessageNode {
  readonly type: 'message';
  readonly id: string;
  readonly text: string;
  readonly failed: boolean;
}

/** A row of the Images view. */
export type ImagesNode = EngineGroup | ImageNode | LayerNode | FileNode | MessageNode;
