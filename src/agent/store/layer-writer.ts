import type { Operation } from '../plan/operations.ts';
import { opaqueAttribute } from '../plan/overlay.ts';
import type { Executor } from '../shim/contract.ts';
import type { Inode } from './inodes.ts';
import type { Piece } from './tar.ts';
import { typeBits } from './tar-header.ts';

/** Takes the files of a layer as they come, in the order in which they can be made. */
export type LayerFiles = Pick<
  LayerWriter,
  | 'directory'
  | 'remove'
  | 'removeTree'
  | 'link'
  | 'file'
  | 'content'
  | 'node'
  | 'attributes'
  | 'whiteout'
  | 'opaque'
  | 'finish'
>;

/**
 * Sends the file operations of one layer to an executor that has changed its root to the layer's directory.
 * Directories are made private and get their owner, mode and time at the end, when nothing changes inside them any more.
 */
export class LayerWriter {
  readonly #executor: Executor;
  readonly #rootless: boolean;
  #queue: Operation[] = [];
  #bytes = 0;
  /** Size of the file being written. */
  #size = 0;

  /** @param options.rootless without root no device can be made, and attributes of the name trusted.* are not ours. */
  constructor(executor: Executor, { rootless }: { readonly rootless: boolean }) {
    this.#executor = executor;
    this.#rootless = rootless;
  }

  directory(path: string): Promise<void> {
    return this.#add({ op: 'mkdir', path: absolute(path), mode: 0o700, why });
  }

  remove(path: string): Promise<void> {
    return this.#add({ op: 'unlink', path: absolute(path), why });
  }

  removeTree(path: string): Promise<void> {
    return this.#add({ op: 'rmtree', path: absolute(path), why });
  }

  link(target: string, path: string): Promise<void> {
    return this.#add({ op: 'link', target: absolute(target), path: absolute(path), why });
  }

  /** Opens a new regular file; `content` fills it. */
  file(path: string, { mode }: Inode): Promise<void> {
    this.#size = 0;
    return this.#add({ op: 'file', path: absolute(path), mode: mode & 0o777, why });
  }

  async content(piece: Piece): Promise<void> {
    if ('hole' in piece) {
      this.#size += piece.hole;
      return this.#add({ op: 'extend', size: BigInt(this.#size), why });
    }
    for (let at = 0; at < piece.length; at += largestAppend) {
      const data = piece.subarray(at, at + largestAppend);
      this.#size += data.length;
      await this.#add({ op: 'append', data, why }, data.length);
    }
  }

  /** A symbolic link, device or fifo. */
  async node(path: string, inode: Inode): Promise<void> {
    const at = absolute(path);
    if (inode.type === 'symlink') {
      await this.#add({ op: 'symlink', target: inode.link ?? '', path: at, why });
    } else {
      const { major, minor } = inode.device ?? { major: 0, minor: 0 };
      const mode = typeBits[inode.type] | (inode.mode & 0o777);
      if (this.#rootless && inode.type !== 'fifo') return;
      await this.#add({ op: 'mknod', path: at, mode, major, minor, why });
    }
    await this.attributes(path, inode);
  }

  /** In the order that the kernel asks for: chown(2) clears setuid bits and capabilities, everything else moves no time. */
  async attributes(path: string, inode: Inode): Promise<void> {
    const at = absolute(path);
    const { type, mode, uid, gid, xattrs } = inode;
    if (uid !== 0 || gid !== 0 || type === 'directory') await this.#add({ op: 'chown', path: at, uid, gid, why });
    if (type === 'directory' || (type !== 'symlink' && (mode & 0o7000) !== 0)) {
      await this.#add({ op: 'chmod', path: at, mode, why });
    }
    for (const [name, value] of Object.entries(xattrs ?? {})) {
      // user.* is for files and directories only; a file system may have no xattrs at all.
      const mayFail = name.startsWith('user.') || (this.#rootless && name.startsWith('trusted.'));
      const tolerate = mayFail ? (['EOPNOTSUPP', 'EPERM'] as const) : (['EOPNOTSUPP'] as const);
      await this.#add(
        { op: 'setxattr', path: at, name, value: Buffer.from(value, 'base64'), tolerate, why },
        value.length,
      );
    }
    const seconds = BigInt.asUintN(64, BigInt(inode.mtime));
    await this.#add({ op: 'utimens', path: at, seconds, nanoseconds: inode.mtimeNs ?? 0, why });
  }

  whiteout(path: string): Promise<void> {
    return this.#add({ op: 'mknod', path: absolute(path), mode: typeBits.char, major: 0, minor: 0, why });
  }

  opaque(path: string): Promise<void> {
    const name = opaqueAttribute({ rootless: this.#rootless });
    return this.#add({ op: 'setxattr', path: absolute(path), name, value: Buffer.from('y'), why });
  }

  finish(): Promise<void> {
    return this.#flush();
  }

  async #add(operation: Operation, bytes = 0): Promise<void> {
    this.#queue.push(operation);
    this.#bytes += bytes;
    if (this.#queue.length >= batchOperations || this.#bytes >= batchBytes) await this.#flush();
  }

  async #flush(): Promise<void> {
    const batch = this.#queue;
    this.#queue = [];
    this.#bytes = 0;
    if (batch.length > 0) await this.#executor.send(batch);
  }
}

const why = 'Unpacks a layer of an image.';
const batchOperations = 512;
const batchBytes = 1 << 18;
const largestAppend = 1 << 16;

const absolute = (path: string): string => `/${path}`;
