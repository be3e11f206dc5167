import type { FileEntry } from '../../protocol/files.ts';
import type { NamespaceDifference, ProcessView } from '../../protocol/namespaces.ts';
import type { ObjectRef } from '../fleet.ts';
import type { FilesOf } from '../fs/uris.ts';

/** What a container unfolds into. */
export type SectionName = 'processes' | 'namespaces' | 'mounts' | 'changes' | 'files';

export interface SectionNode {
  readonly type: 'section';
  readonly container: ObjectRef;
  readonly section: SectionName;
}

/** A process with those it has started. */
export interface ProcessNode {
  readonly type: 'process';
  readonly container: ObjectRef;
  readonly process: ProcessView;
  readonly children: readonly ProcessNode[];
}

export interface NamespaceNode {
  readonly type: 'namespace';
  readonly container: ObjectRef;
  readonly difference: NamespaceDifference;
}

export interface MountView {
  /** 'bind', 'volume' or 'tmpfs'. */
  readonly type: string;
  /** Of a volume. */
  readonly name?: string;
  readonly source: string;
  readonly destination: string;
  readonly writable: boolean;
}

export interface MountNode {
  readonly type: 'mount';
  readonly container: ObjectRef;
  readonly mount: MountView;
}

/** A path that differs from the container's image. */
export interface DifferenceNode {
  readonly type: 'difference';
  readonly container: ObjectRef;
  readonly path: string;
  readonly kind: 'added' | 'modified' | 'deleted';
}

/** A file or directory of a container or a volume. */
export interface EntryNode {
  readonly type: 'entry';
  readonly of: FilesOf;
  /** Absolute in there. */
  readonly path: string;
  readonly entry: FileEntry;
}

/** A row that says why there are no others. */
export interface NoteNode {
  readonly type: 'note';
  readonly id: string;
  readonly text: string;
  readonly failed: boolean;
}

export type InsideNode = SectionNode | ProcessNode | NamespaceNode | MountNode | DifferenceNode | EntryNode | NoteNode;
