import { randomBytes } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';
import { canceled } from '../../base/errors.ts';
import type { ContainerConfig, HostConfig } from '../../protocol/docker.ts';
import type { Containers } from '../container/contract.ts';
import type { BuildOutput } from './contract.ts';
import { CommandFailed } from './errors.ts';
import { removeContainer, type Workspace } from './workspace.ts';

export interface RunStep {
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly output: BuildOutput;
  readonly signal: AbortSignal;
  /** What failures show as the command. */
  readonly command: readonly string[];
}

/**
 * Runs a command in a container of its own, to its end.
 * @param made called with the container's id when there is one: it is the caller's from then on, unless the signal aborts.
 * @throws CommandFailed; canceled, with the container gone.
 */
export async function runCommand(
  { containers, workspace }: { readonly containers: Containers; readonly workspace: Workspace },
  step: RunStep,
  made: (id: string) => void,
): Promise<void> {
  const { config, hostConfig, output, signal } = step;
  const id = randomBytes(32).toString('hex');
  await workspace.expect(id);
  let isMade = false;
  const remove = () => removeContainer(containers, id);
  try {
    signal.throwIfAborted();
    const { warnings } = await containers.create({ id, config, hostConfig });
    isMade = true;
    for (const warning of warnings.filter((each) => !isAboutBridge(each)))
      output.stdout(` ---> [Warning] ${warning}\n`);
    output.stdout(` ---> Running in ${id.slice(0, 12)}\n`);
    made(id);
    const { exitCode } = await runToItsEnd(containers, id, step);
    if (exitCode === 0) return;
    const hint = warnings.find(isAboutBridge);
    throw new CommandFailed(step.command, exitCode, hint);
  } catch (failure) {
    if (!signal.aborted) throw failure;
    if (isMade) await remove();
    await workspace.forget(id);
    throw canceled('the build');
  }
}

/** Said where it matters: a command that fails for want of a network. */
const isAboutBridge = (warning: string): boolean => warning.startsWith('The bridge network is not supported');

async function runToItsEnd(
  containers: Containers,
  id: string,
  { output, signal }: RunStep,
): Promise<{ readonly exitCode: number }> {
  const { duplex } = await containers.attach(id, {
    stdin: false,
    stdout: true,
    stderr: true,
    logs: false,
    stream: true,
  });
  const stop = (): void => void duplex.destroy(canceled('the build'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    // It may have been said before anybody listened.
    signal.throwIfAborted();
    const exit = containers.wait(id, 'next-exit', signal);
    // Looked at below; a failure of the start comes first.
    exit.catch(() => undefined);
    const said = tell(duplex, { output, signal });
    said.catch(() => undefined);
    try {
      await containers.start(id);
    } catch (failure) {
      duplex.destroy();
      throw failure;
    }
    await said;
    return await exit;
  } finally {
    signal.removeEventListener('abort', stop);
    duplex.destroy();
  }
}

const frameHead = 8;

async function tell(
  frames: AsyncIterable<Buffer>,
  { output, signal }: { readonly output: BuildOutput; readonly signal: AbortSignal },
): Promise<void> {
  const decoders = { 1: new StringDecoder('utf8'), 2: new StringDecoder('utf8') };
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of frames) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    while (rest.length >= frameHead) {
      const end = frameHead + rest.readUInt32BE(4);
      if (rest.length < end) break;
      const isError = rest[0] === 2;
      const text = decoders[isError ? 2 : 1].write(rest.subarray(frameHead, end));
      if (text !== '') (isError ? output.stderr : output.stdout)(text);
      rest = rest.subarray(end);
    }
    // What nobody takes holds the command back instead of filling our memory.
    await output.ready(signal);
  }
}
