import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../scripts/paths.ts';

/** A file of the checkout; its path is relative to it and has forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const written = /\.(ts|mts|mjs|c|h|css|json|md|yml|npmrc)$/;

/** Every text file that git knows or would add: what a commit can hold. */
export async function readSources(): Promise<SourceFile[]> {
  const { stdout } = await promisify(execFile)('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    maxBuffer: 64 << 20,
  });
  const paths = stdout.split('\0').filter((path) => written.test(path) && existsSync(join(root, path)));
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })));
}
