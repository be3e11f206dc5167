import type { FileEntry } from '../../protocol/files.ts';
import type { NamespaceDifference, ProcessView } from '../../protocol/namespaces.ts';
import type { ObjectRef } from '../fleet.ts';
import type { FilesOf } from '../fs/uris.ts';

/** What a container unfolds into. */
export type SectionName = 'processes' | 'execs' | 'cgroup' | 'namespaces' | 'networks' | 'mounts' | 'changes' | 'files';

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

/** A command that was executed in a container and still runs. */
export interface ExecNode {
  readonly type: 'exec';
  readonly container: ObjectRef;
  readonly id: string;
  readonly command: string;
  /** As it was asked for; empty: the container's own. */
  readonly user: string;
  /** On the host. */
  readonly pid: number;
  readonly tty: boolean;
}

export type GaugeName = (typeof gaugeNames)[number];
export const gaugeNames = ['cpu', 'memory', 'io', 'pids', 'pressure'] as const;

/** One kind of number of a container's cgroup; its value is read while it can be seen. */
export interface GaugeNode {
  readonly type: 'gauge';
  readonly container: ObjectRef;
  readonly gauge: GaugeName;
}

/** A network that a container is in. */
export interface NetworkNode {
  readonly type: 'network';
  readonly container: ObjectRef;
  readonly name: string;
  /** With their prefix lengths. */
  readonly addresses: readonly string[];
  readonly gateway: string;
  readonly mac: string;
  readonly aliases: readonly string[];
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

/** A directory, or a link to one. */
export const isFolder = ({ entry }: EntryNode): boolean => (entry.leads?.type ?? entry.type) === 'directory';

/** A row that says why there are no others. */
export interface NoteNode {
  readonly type: 'note';
  readonly id: string;
  readonly text: string;
  readonly failed: boolean;
}

export type InsideNode =
  | SectionNode
  | ProcessNode
  | ExecNode
  | GaugeNode
  | NetworkNode
  | NamespaceNode
  | MountNode
  | DifferenceNode
  | EntryNode
  | NoteNode;
