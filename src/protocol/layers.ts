export type FileType = 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo';

/** One entry of a layer's index, or of a merged tree. */
export interface LayerEntry {
  /** Relative to the root, no leading or trailing slash, '' for the root itself; may hold any character but NUL. */
  readonly path: string;
  readonly type: FileType;
  /** Permission bits with setuid, setgid and sticky (07777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content of a regular file, else 0. */
  readonly size: number;
  /** Modification time in whole seconds since the epoch, with nanoseconds apart. */
  readonly mtime: number;
  readonly mtimeNs?: number;
  /** 'sha256:...' of a regular file's content. */
  readonly digest?: string;
  /** Target of a symlink. */
  readonly link?: string;
  /** Path of the first entry of this layer that is the same inode: the name a tar hard link pointed to. */
  readonly hardlink?: string;
  readonly device?: { readonly major: number; readonly minor: number };
  /** Values in base64. */
  readonly xattrs?: Readonly<Record<string, string>>;
  /** A directory that hides everything below it in lower layers. */
  readonly opaque?: true;
}

/** A layer's index: entries and whiteouts, each sorted by path (by component, so that a directory is followed by its content). */
export interface LayerIndex {
  readonly version: 1;
  readonly entries: readonly LayerEntry[];
  /** Paths that this layer deletes from what lies below it. */
  readonly whiteouts: readonly string[];
}

/** What a layer did to one path, seen against everything below it. */
export interface LayerChange {
  readonly path: string;
  readonly kind: 'added' | 'modified' | 'deleted';
  /** For 'modified': what differs. */
  readonly differs?: readonly ('type' | 'content' | 'mode' | 'owner' | 'time' | 'link' | 'xattrs' | 'device')[];
  readonly before?: LayerEntry;
  readonly after?: LayerEntry;
}

/** One layer of an image, bottom first. */
export interface LayerView {
  /** Position from the bottom, 0 is the lowest. */
  readonly position: number;
  /** sha256 of the uncompressed tar. */
  readonly diffId: string;
  /** Identity of this layer on top of everything below it. */
  readonly chainId: string;
  /** The instruction that made it (history's created_by), '' when unknown. */
  readonly instruction: string;
  readonly created?: string;
  readonly comment?: string;
  /** Bytes of the regular files in it (hard links once). */
  readonly size: number;
  /** Bytes of the blob as stored. */
  readonly blobSize: number;
  readonly counts: { readonly entries: number; readonly whiteouts: number };
  /** Ids of the other images that have this layer on the same layers. */
  readonly sharedBy: readonly string[];
}
