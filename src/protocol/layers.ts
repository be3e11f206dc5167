/**
 * Names and paths here are text: the bytes of a name as UTF-8, and a byte that is no part of valid UTF-8 as the lone
 * surrogate U+DC00 + byte (JSON's `\udc80` to `\udcff`), which no valid UTF-8 gives. So every name comes back as the
 * bytes that it was. In the query of a URL a path is its bytes, percent-encoded (`%80`).
 *
 * Lists are sorted by component, components by their bytes: a directory is followed by everything below it.
 */
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
  /** How many of them are holes, which are not stored; absent for none. */
  readonly holes?: number;
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

/** A layer's index. */
export interface LayerIndex {
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

/** An entry of a merged tree, with the position of the layer that has it. */
export interface MergedEntry extends LayerEntry {
  readonly layer: number;
}

/** How much changed: paths, and bytes of regular files as they are stored. */
export interface ChangeTotals {
  readonly added: number;
  readonly modified: number;
  readonly deleted: number;
  /** Of the files that were added or modified. */
  readonly storedBytes: number;
  /** Of the files that were modified or deleted, as they were before. */
  readonly hiddenBytes: number;
}

/** A name in a directory, with what happened to it and below it. */
export interface ChangeRow {
  readonly name: string;
  readonly path: string;
  /** Absent: only something below it changed. */
  readonly change?: Omit<LayerChange, 'path'>;
  /** Of what lies below it. */
  readonly below: ChangeTotals;
}

/** The changes of one directory, a page of them. */
export interface ChangeDirectory {
  readonly path: string;
  /** Of the directory itself. */
  readonly change?: Omit<LayerChange, 'path'>;
  /** Of everything below it, on all pages. */
  readonly totals: ChangeTotals;
  readonly rows: readonly ChangeRow[];
  /** There is a next page: after the last row's name. */
  readonly more: boolean;
}

/** What one layer did to one path. */
export interface PathVersion extends Omit<LayerChange, 'path'> {
  readonly position: number;
  /** Deleted with a directory above it. */
  readonly withDirectory?: true;
}

/**
 * Why a stored file is not visible: deleted, or with a directory; its directory emptied (opaque); something of another type
 * in its place or above it; another content; the same content stored again for other metadata, or for nothing at all.
 */
export type WasteReason = 'deleted' | 'opaque' | 'type' | 'content' | 'metadata' | 'same';

/** A file that a layer stores and nobody sees. */
export interface WastedFile {
  /** Of its names in the layer the one that was hidden last. */
  readonly path: string;
  readonly bytes: number;
  /** Positions of the layers that stored and that hid it. */
  readonly storedBy: number;
  readonly hiddenBy: number;
  readonly reason: WasteReason;
  /** For 'metadata': what made it be stored again. */
  readonly differs?: LayerChange['differs'];
}

/** Bytes of regular files as they are stored: an inode counts once, holes do not. `stored` is `visible` and `wasted` together. */
export interface WasteReport {
  readonly stored: number;
  /** Of files that are visible at the top. */
  readonly visible: number;
  readonly wasted: number;
  /** Number of files wasted. */
  readonly files: number;
  /** All of it by who stored and who hid, most bytes first. */
  readonly pairs: readonly (Pick<WastedFile, 'storedBy' | 'hiddenBy' | 'reason' | 'bytes'> & {
    readonly files: number;
  })[];
  /** The largest files, as many as were asked for. */
  readonly largest: readonly WastedFile[];
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
  /** It is the writable layer of a container, and in no image. Its ids are '' and `created` is when it was read. */
  readonly container?: ReadOfContainer;
}

/**
 * A container's writable layer is read anew for each answer. What the container changes meanwhile is told as it was before
 * or as it was after; of one that does not run, or is paused, the whole answer is of one moment.
 */
export interface ReadOfContainer {
  readonly id: string;
  /** When the reading began and when it was done, RFC 3339. */
  readonly from: string;
  readonly to: string;
}
