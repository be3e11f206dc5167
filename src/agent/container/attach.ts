import type { Container, Life } from './container.ts';
import type { AttachedStreams, AttachOptions } from './contract.ts';
import { announce, type Engine } from './engine.ts';
import { isRestarting, pausedForAttach } from './errors.ts';
import { openLogs } from './logs.ts';
import { type StdinSink, StdioStream } from './stdio-stream.ts';

/** `docker attach`, also before `start`: the stream is then that of the life to come. */
export async function attach(
  engine: Engine,
  container: Container,
  options: AttachOptions & { readonly given: string },
): Promise<AttachedStreams> {
  const { config, state } = container.record;
  if (state.status === 'paused') throw pausedForAttach(options.given);
  if (state.status === 'restarting') throw isRestarting(container.id);
  const tty = config.Tty === true;
  const closed = new AbortController();
  const stream = new StdioStream({
    tty,
    stdout: options.stdout,
    stderr: options.stderr,
    ...(options.stdin && config.OpenStdin ? { stdin: containerStdin(container, closed.signal) } : {}),
    ...(options.detachKeys ? { detachKeys: options.detachKeys } : {}),
    onDetach: () => {
      container.output.remove(stream);
      announce(engine, container, 'detach');
    },
    onClose: () => {
      closed.abort();
      container.output.remove(stream);
    },
  });
  announce(engine, container, 'attach');
  if (options.logs) await replay(engine, container, { stream, options, signal: closed.signal });
  // One that was removed meanwhile has no life to come.
  if (options.stream && engine.registry.has(container)) container.output.add(stream);
  else stream.finish();
  return { tty, duplex: stream };
}

async function replay(
  engine: Engine,
  container: Container,
  to: { readonly stream: StdioStream; readonly options: AttachOptions; readonly signal: AbortSignal },
): Promise<void> {
  const { stdout, stderr } = to.options;
  const logs = openLogs(engine, container, { follow: false, stdout, stderr, timestamps: false, signal: to.signal });
  for await (const chunk of logs.stream) to.stream.push(chunk);
}

/** Typing before the start waits for it. With StdinOnce the first client that ends its side ends the process's stdin. */
function containerStdin(container: Container, closed: AbortSignal): StdinSink {
  let last: Promise<void> = Promise.resolve();
  return {
    write: (data) => {
      last = current(container, closed).then((life) => life?.shim.write(data));
      return last;
    },
    end: () => {
      if (!container.record.config.StdinOnce || container.record.config.Tty) return;
      const life = container.life ? Promise.resolve(container.life) : current(container, closed);
      life.then(
        async (found) => {
          await last.catch(() => undefined);
          found?.shim.closeStdin();
        },
        () => undefined,
      );
    },
  };
}

/** The running life, else the next one; undefined when its start fails or the client leaves first. */
function current(container: Container, closed: AbortSignal): Promise<Life | undefined> {
  if (container.life || closed.aborted) return Promise.resolve(container.life);
  return new Promise((resolve) => {
    const done = (life: Life | undefined) => {
      listening.dispose();
      closed.removeEventListener('abort', onClosed);
      resolve(life);
    };
    const onClosed = () => done(undefined);
    const listening = container.began.on(done);
    closed.addEventListener('abort', onClosed, { once: true });
  });
}
