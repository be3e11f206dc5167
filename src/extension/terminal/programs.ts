import { Duplex } from 'node:stream';
import type Dockerode from 'dockerode';
import type { RemoteProgram } from './engine-terminal.ts';

/** A new program in a running container. */
export function execProgram(container: Dockerode.Container, argv: readonly string[]): RemoteProgram {
  let exec: Dockerode.Exec | undefined;
  return {
    async open(): Promise<Duplex> {
      exec = await container.exec({
        Cmd: [...argv],
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: true,
        Env: ['TERM=xterm-256color'],
      });
      return exec.start({ hijack: true, stdin: true, Tty: true });
    },
    async resize({ columns, rows }) {
      await exec?.resize({ w: columns, h: rows });
    },
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
      const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
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

/** With `hijack` dockerode gives the connection itself, which its types call a mere read-write stream. */
function duplex(stream: NodeJS.ReadWriteStream): Duplex {
  if (stream instanceof Duplex) return stream;
  throw new TypeError('The engine gave no connection to the terminal');
}
