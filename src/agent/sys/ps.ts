import { execFile } from 'node:child_process';
import { PortholeError } from '../../base/errors.ts';

const psFailed = (words: string) => new PortholeError('invalid', `ps: ${words}`);

/** Lines that the host's ps prints for the given arguments. @throws invalid with what ps said. */
export async function runPs(args: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    execFile(
      'ps',
      args,
      { env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' }, maxBuffer: 32 * 1024 * 1024 },
      (failure, stdout, stderr) => {
        if (failure === null) resolve(stdout.split('\n').filter((line) => line !== ''));
        else reject(psFailed(stderr.trim().split('\n')[0] || failure.message));
      },
    );
  });
}
