import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** An OCI bundle for `runc run` of `true`, made by runc's own `spec`, without a terminal. */
export async function makeRuncBundle(dir: string, rootTar: Buffer): Promise<{ bundle: string; state: string }> {
  const rootfs = join(dir, 'rootfs');
  const state = join(dir, 'state');
  await mkdir(rootfs, { recursive: true });
  await mkdir(state);
  const tar = spawn('tar', ['-x', '-C', rootfs], { stdio: ['pipe', 'ignore', 'inherit'] });
  tar.stdin.end(rootTar);
  const [code] = await once(tar, 'close');
  if (code !== 0) throw new Error(`tar ended with ${code}`);
  await exec('runc', ['spec', '--bundle', dir]);
  const file = join(dir, 'config.json');
  const spec = JSON.parse(await readFile(file, 'utf8'));
  spec.process.terminal = false;
  spec.process.args = ['true'];
  await writeFile(file, JSON.stringify(spec));
  return { bundle: dir, state };
}
