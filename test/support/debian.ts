import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from '../../scripts/paths.ts';

const run = promisify(execFile);

/**
 * Path of the tar of a small Debian, made once below `.cache` by debootstrap: half a minute on an idle machine. It has devices,
 * setuid programs, hard links and a capability. Needs root, debootstrap and a mirror.
 */
export async function debianTar(): Promise<string> {
  const place = join(cacheDir, 'debian-bookworm-ping.tar');
  if (existsSync(place)) return place;
  await mkdir(cacheDir, { recursive: true });
  const fresh = await mkdtemp(join(cacheDir, 'debian-build-'));
  try {
    const root = join(fresh, 'root');
    const options = { maxBuffer: 1 << 26 };
    const what = ['--variant=minbase', '--include=iputils-ping', 'bookworm'];
    await run('debootstrap', [...what, root, 'http://deb.debian.org/debian'], options);
    // What was downloaded and what nobody runs only makes it larger.
    for (const path of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/locale', 'usr/share/man']) {
      await rm(join(root, path), { recursive: true, force: true });
    }
    const tar = join(fresh, 'tar');
    await run('tar', ['--format=posix', '--xattrs', '--xattrs-include=*', '--sort=name', '-C', root, '-cf', tar, '.']);
    await rename(tar, place);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return place;
}
