import { PassThrough } from 'node:stream';
import type Dockerode from 'dockerode';
import { engineStatus } from '../problems.ts';

/** What can serve as a shell, best first: how it is started, and how it is asked whether it is there. */
const shells = [
  { argv: ['bash'], probe: ['bash', '-c', 'exit 0'] },
  { argv: ['sh'], probe: ['sh', '-c', 'exit 0'] },
  { argv: ['ash'], probe: ['ash', '-c', 'exit 0'] },
  { argv: ['busybox', 'sh'], probe: ['busybox', 'sh', '-c', 'exit 0'] },
  { argv: ['node'], probe: ['node', '-e', '0'] },
] as const;

/** The first shell that answers in a running container; undefined when none does. Asked by running it: a path tells little. */
export async function pickShell(container: Dockerode.Container): Promise<readonly string[] | undefined> {
  for (const { argv, probe } of shells) {
    if (await answers(container, probe)) return argv;
  }
  return undefined;
}

async function answers(container: Dockerode.Container, argv: readonly string[]): Promise<boolean> {
  try {
    const exec = await container.exec({ Cmd: [...argv], AttachStdout: true, AttachStderr: true });
    const stream = await exec.start({});
    stream.pipe(new PassThrough()).resume();
    await new Promise<void>((resolve) => {
      stream.once('end', resolve);
      stream.once('close', resolve);
      stream.once('error', () => resolve());
    });
    const { ExitCode } = await exec.inspect();
    return ExitCode === 0;
  } catch (failure) {
    // Engines refuse the start of a program that is not there (400, older ones 404 or 500); anything else is a real failure.
    const status = engineStatus(failure);
    if (status === 400 || status === 404 || status === 500) return false;
    throw failure;
  }
}
