import { execFileSync } from 'node:child_process';
import type { LayerEntry } from '../../../src/protocol/layers.ts';

/** Whatever a tree of files can have, made by the shell: no code of ours decides what it is. */
const worstCase = `
  mkdir -p a/b/c empty/inner sticky 'with space' plain/deep
  echo one > a/one; ln a/one a/b/c/hard; ln a/one zero; ln -s ../one a/b/relative; ln -s /etc/passwd absolute; ln -s nowhere dangling
  ln -s "$(printf 'x%.0s' $(seq 300))/target" long-link
  echo s > suid; chown 12:34 suid; chmod 6755 suid; chmod 1777 sticky; chmod 0 empty/inner; chmod 2750 a/b; chown 5:6 a/b
  mknod null c 1 3; mknod loop b 7 0; mknod big c 300 70000; mkfifo pipe; chown 3:4 pipe
  echo ids > ids; chown 3000000:4000000000 ids; chown -h 3000000:7 dangling
  mkdir unicode; touch 'unicode/é' 'unicode/日本' 'unicode/😀' "$(printf 'unicode/new\\nline')" 'unicode/back\\slash' 'unicode/ leading'
  touch 'unicode/.whole' 'unicode/..double'
  name=$(printf 'n%.0s' $(seq 255)); touch "$name"
  ( for i in $(seq 15); do mkdir "$name"d 2>/dev/null || :; d=$(printf 'd%.0s' $(seq 250)); mkdir "$d"; cd "$d"; done; echo deep > file )
  cp a/one capable; setcap cap_net_raw,cap_net_admin+ep capable; cp a/one attributed; mkdir attributed-dir
  truncate -s 3M hole; printf x | dd of=hole bs=1 seek=2000000 conv=notrunc status=none
  touch -h -d '1969-12-31 12:00:00 UTC' dangling; touch -d '1901-01-01 00:00:00 UTC' a/one; touch -d '2150-01-01 00:00:00 UTC' ids
  touch -d '2001-02-03 04:05:06.123456789' suid; touch -d @99 empty/inner empty sticky; touch -d @5 a .
`;

/** An attribute of every kind, binary values too. */
const attributes = `
import os
os.setxattr('attributed', 'user.plain', b'text')
os.setxattr('attributed', 'user.binary', bytes(range(256)))
os.setxattr('attributed', 'trusted.secret', b'\\x00=\\n')
os.setxattr('attributed-dir', 'user.on-a-directory', b'')
os.utime('attributed', ns=(10**18 + 5, 10**18 + 5))
os.utime('attributed-dir', (7, 7))
`;

/** Fills an empty directory. */
export function makeWorstCase(directory: string): void {
  execFileSync('bash', ['-ec', worstCase], { cwd: directory });
  execFileSync('python3', ['-c', attributes], { cwd: directory });
  execFileSync('touch', ['-d', '@5', directory]);
}

/** A directory as GNU tar packs it, with every attribute. @param options.sparse holes stay holes */
export function packed(directory: string, { sparse }: { readonly sparse: boolean }): Buffer {
  const attributes = ['--format=posix', '--xattrs', '--xattrs-include=*', '--sort=name'];
  return execFileSync('tar', [...(sparse ? ['-S'] : []), ...attributes, '-C', directory, '-cf', '-', '.'], {
    maxBuffer: 1 << 30,
  });
}

/** umoci leaves attributes of the name trusted.* to the kernel, and one that is empty is none to a reader in Go. */
export function asUmoci(tree: ReadonlyMap<string, LayerEntry>): Map<string, LayerEntry> {
  return new Map(
    [...tree].map(([path, { xattrs = {}, ...entry }]) => {
      const kept = Object.entries(xattrs).filter(([name, value]) => !name.startsWith('trusted.') && value !== '');
      return [path, kept.length > 0 ? { ...entry, xattrs: Object.fromEntries(kept) } : entry];
    }),
  );
}
