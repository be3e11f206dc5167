import type { Operation } from '../plan/operations.ts';
import type { OperationResult } from '../shim/contract.ts';

/**
 * Files of a root that somebody hostile may be changing: a container that runs, one that is stopped, a volume.
 *
 * An executor of the shim enters the root and stays in it: every path is resolved by the kernel below it, and no link,
 * mount or race in it leads out. The executor has a mount namespace of its own, so that nothing of it is visible on the
 * host and everything goes with it; in it no device opens, and it keeps only the rights that files need.
 *
 * Paths are absolute in the root. A name that is not UTF-8 comes and goes as `sys/names.ts` has it.
 *
 * @example
 * const root = await openFileRoot(engine, { kind: 'directory', path: volume }, { signal });
 * try {
 *   for (const name of await root.names('/')) console.log(name, await root.status(`/${name}`));
 * } finally {
 *   await root.close();
 * }
 */
export interface FileRoot {
  /** What lies at a path itself, without following a link there. Undefined: nothing. */
  status(path: string): Promise<FileStatus | undefined>;
  /** The same for many at once, with link targets and the attributes that archives carry. */
  describe(paths: readonly string[]): Promise<(FileDescription | undefined)[]>;
  /** Names in a directory, sorted. @throws FileFailure for what is none, or a link. */
  names(path: string): Promise<string[]>;
  /**
   * The path without any link in it, as the kernel would go it. What is missing at its end stays as it was written.
   * `..` stops at the root.
   */
  resolve(path: string): Promise<string>;
  /**
   * Opens a regular file (not through a link) for reading; the next `open` closes it.
   * @throws FileFailure EOPNOTSUPP for what is no regular file.
   */
  open(path: string): Promise<OpenFile>;
  /** Writes a file whole beside its place, then renames it there: nobody sees a part of it. @throws FileFailure */
  write(path: string, source: AsyncIterable<Uint8Array>, attributes: NewFile): Promise<void>;
  mkdir(path: string, attributes: NewFile): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A file, or a directory with everything in it. */
  remove(path: string): Promise<void>;
  /** One operation, with its errno as a failure. @param path for the failure's words; default: the operation's own */
  do(operation: Operation, path?: string): Promise<OperationResult>;
  /** Several in one question, each of them run; the first that failed is thrown as one of `path`. */
  all(operations: readonly Operation[], path: string): Promise<void>;
  /** Leaves the root; once is enough, and it never throws. */
  close(): Promise<void>;
}

export type NodeType = 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket';

export interface FileStatus {
  readonly type: NodeType;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Bytes on the disk; fewer than `size`: it has holes. */
  readonly stored: number;
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number };
  readonly links: number;
  /** Names of one inode have this in common; '' when there is only one name. */
  readonly inode: string;
  /** File system, as major:minor. */
  readonly device: string;
  /** Of a device node. */
  readonly major: number;
  readonly minor: number;
}

export interface FileDescription extends FileStatus {
  /** Of a symbolic link. */
  readonly link: string;
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

export interface OpenFile {
  readonly status: FileStatus;
  /** The content, holes as such. @param range both included, as in HTTP; default: everything */
  pieces(range?: { readonly start: number; readonly end: number }): AsyncGenerator<Piece>;
  /** How many of its bytes are holes. */
  holes(): Promise<number>;
}

export interface NewFile {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Which root. */
export type Place = RunningRoot | DirectoryRoot | StackedRoot;

/** The mount namespace of a process and its root: what the container sees, without /proc, /sys and /dev. */
export interface RunningRoot {
  readonly kind: 'running';
  readonly pid: number;
  readonly startTicks: bigint;
  /** Only the root's own file system, nothing that is mounted on it. */
  readonly alone?: boolean;
  /** It has a user namespace of its own: owners are told and set as they are in there, and no device can be made. */
  readonly remapped?: boolean;
}

/** A directory of the host, without what is mounted below it. */
export interface DirectoryRoot {
  readonly kind: 'directory';
  readonly path: string;
  /** Attributes of overlayfs are readable. */
  readonly trusted?: boolean;
}

/** A container's layers as they would be mounted. */
export interface StackedRoot {
  readonly kind: 'stack';
  /** Directory that `lowers` are relative to; topmost first. */
  readonly base: string;
  readonly lowers: readonly string[];
  readonly upper: string;
  /** An empty directory of the host that is mounted over. */
  readonly at: string;
  /** overlayfs's work directory: changes go to `upper`. Undefined: they go nowhere, and `upper` is left as it is. */
  readonly work?: string;
  /** Files and directories of the host that lie over it. Missing sources are passed over. */
  readonly binds: readonly StackedBind[];
}

export interface StackedBind {
  readonly source: string;
  readonly target: string;
  /** Path below `source`, in which somebody hostile may write, that is shown instead of the whole: the kernel keeps it there. */
  readonly below?: string;
}

export interface Hole {
  readonly hole: number;
}
export type Piece = Buffer | Hole;
