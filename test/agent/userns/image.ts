import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { which } from '../../support/tools.ts';

const applets = [
  'sh',
  'cat',
  'chmod',
  'chown',
  'grep',
  'head',
  'id',
  'ln',
  'ls',
  'mkdir',
  'mknod',
  'mount',
  'ps',
  'rm',
];
const more = ['sleep', 'stat', 'stty', 'touch', 'true', 'tty', 'umount'];

/** VFS_CAP_REVISION_2 with the effective bit and CAP_NET_RAW, see capabilities(7). */
const netRaw = Buffer.from([1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).toString('latin1');

/** A busybox root file system with files of several owners, and /opt/cat, which has a file capability. */
export async function imageTar(options: { readonly owners: boolean }): Promise<Buffer> {
  const busybox = await readFile(which('busybox') ?? 'busybox');
  const tar = pack();
  for (const dir of ['bin', 'etc', 'home', 'opt', 'tmp'])
    tar.entry({ name: `${dir}/`, type: 'directory', mode: 0o755 });
  tar.entry({ name: 'bin/busybox', mode: 0o755 }, busybox);
  for (const name of [...applets, ...more]) tar.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' });
  tar.entry({ name: 'etc/passwd' }, 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n');
  tar.entry({ name: 'etc/group' }, 'root:x:0:\nuser:x:1000:\nstaff:x:50:user\n');
  if (options.owners) {
    tar.entry({ name: 'home/mine', uid: 1000, gid: 50, mode: 0o600 }, 'mine\n');
    tar.entry({ name: 'opt/cat', mode: 0o755, pax: { 'SCHILY.xattr.security.capability': netRaw } }, busybox);
  }
  tar.finalize();
  return buffer(tar);
}
