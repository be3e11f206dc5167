/**
 * One entry of a directory: `GET .../tree?path=` below a container (`/porthole/v1/containers/{id}`) or a volume
 * (`/porthole/v1/volumes/{name}`), sorted by name; of one path: `GET .../entry?path=`.
 */
export interface FileEntry {
  /** A byte that is not UTF-8 is one of the surrogates from U+DC80 on. The root's is ''. */
  readonly name: string;
  readonly type: FileKind;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds since the epoch, with nanoseconds apart. */
  readonly mtime: number;
  readonly mtimeNs: number;
  /** Target of a symbolic link. */
  readonly link?: string;
  /** What a symbolic link leads to within the root; absent when nothing is there. */
  readonly leads?: { readonly path: string; readonly type: FileKind; readonly size: number };
}

export type FileKind = 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket';
