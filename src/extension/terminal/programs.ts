import { Duplex } from 'node:stream';
import type Dockerode from 'dockerode';
import type { RemoteProgram } from './engine-terminal.ts';

/**
 * Leaves a terminal without ending its program. The default of the engines begins with ctrl-p, which is then held back
 * whenever it is typed: the key that fetches the last line in a shell.
 */
const detachKeys = 'ctrl-],ctrl-],ctrl-]';

/** Ctrl-C gives up a half-typed line, Ctrl-D ends a shell. */
const leaveShell = '\x03\x04';

/** A new program in a running container. */
export function execProgram(
  container: Dockerode.Container,
  argv: readonly string[],
  { user = '', directory = '' }: { readonly user?: string; readonly directory?: string } = {},
): RemoteProgram {
  let exec: Dockerode.Exec | undefined;
  return {
    async open(size): Promise<Duplex> {
      exec = await container.exec({
        Cmd: [...argv],
        ...(user && { User: user }),
        ...(directory && { WorkingDir: directory }),
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: true,
        DetachKeys: detachKeys,
        Env: ['TERM=xterm-256color'],
        ...(size ? { ConsoleSize: [size.rows, size.columns] } : {}),
      });
      return exec.start({ hijack: true, stdin: true, Tty: true });
    },
    async resize({ columns, rows }) {
      await exec?.resize({ w: columns, h: rows });
    },
    farewell: leaveShell,
    async exitCode() {
      const state = await exec?.inspect();
      return state?.ExitCode ?? undefined;
    },
  };
}

/** A container's own process, started once its terminal is attached, so that no output is missed. */
export function containerProgram(container: Dockerode.Container): RemoteProgram {
  return {
    async open(): Promise<Duplex> {
      const stream = await container.attach({
        stream: true,
        hijack: true,
        stdin: true,
        stdout: true,
        stderr: true,
        detachKeys,
      });
      try {
        await container.start();
      } catch (failure) {
        stream.end();
        throw failure;
      }
      return duplex(stream);
    },
    async resize({ columns, rows }) {
      await container.resize({ w: columns, h: rows });
    },
    async exitCode() {
      const { State } = await container.inspect();
      // A user who detached leaves it running: there is no exit code then.
      return State.Running ? undefined : State.ExitCode;
    },
  };
}

/** A container's own process that runs already. Leaving the terminal leaves it alone. */
export function attachedProgram(container: Dockerode.Container): RemoteProgram {
  return {
    ...containerProgram(container),
    async open(): Promise<Duplex> {
      const { Config } = await container.inspect();
      const streams = { stream: true, hijack: true, stdin: Config.OpenStdin, stdout: true, stderr: true };
      return duplex(await container.attach({ ...streams, detachKeys }));
    },
  };
}

/** With `hijack` dockerode gives the connection itself, which its types call a mere read-write stream. */
function duplex(stream: NodeJS.ReadWriteStream): Duplex {
  if (stream instanceof Duplex) return stream;
  throw new TypeError('The engine gave no connection to the terminal');
}
