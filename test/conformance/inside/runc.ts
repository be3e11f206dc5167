import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** A bundle as it lies there: it is one of OCI's once its overlay is mounted at rootfs. */
export async function runByRunc({
  id,
  bundle,
  overlay: { LowerDir, UpperDir, WorkDir },
  hasTerminal = false,
}: {
  readonly id: string;
  readonly bundle: string;
  readonly overlay: { readonly LowerDir: string; readonly UpperDir: string; readonly WorkDir: string };
  readonly hasTerminal?: boolean;
}): Promise<string> {
  const rootfs = join(bundle, 'rootfs');
  const state = await mkdtemp(join(tmpdir(), 'runc-state-'));
  await exec('mount', [
    '-t',
    'overlay',
    'overlay',
    '-o',
    `lowerdir=${LowerDir},upperdir=${UpperDir},workdir=${WorkDir}`,
    rootfs,
  ]);
  const line = ['runc', '--root', state, 'run', '--bundle', bundle, id] as const;
  try {
    const { stdout } = hasTerminal
      ? await exec('script', ['--quiet', '--return', '--echo', 'never', '--command', line.join(' '), '/dev/null'])
      : await exec(line[0], line.slice(1));
    return stdout.replaceAll('\r\n', '\n');
  } finally {
    await exec('umount', [rootfs]);
    await rm(state, { recursive: true, force: true });
  }
}
