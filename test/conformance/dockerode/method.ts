import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type Docker from 'dockerode';

export interface Given {
  readonly docker: Docker;
  /** A busybox. */
  readonly image: string;
}

/** Calls one method and looks at what it gives. */
export type Method = (given: Given) => Promise<void>;

/** A container with a command, made but not started. */
export async function made(
  { docker, image }: Given,
  command: readonly string[] = ['sleep', '100'],
  options: Docker.ContainerCreateOptions = {},
): Promise<Docker.Container> {
  return docker.createContainer({ Image: image, Cmd: [...command], ...options });
}

/** A container that runs. */
export async function running(
  given: Given,
  command?: readonly string[],
  options?: Docker.ContainerCreateOptions,
): Promise<Docker.Container> {
  const container = await made(given, command, options);
  await container.start();
  return container;
}

/** What a multiplexed stream holds, by output. */
export async function outputs(
  { docker }: Given,
  stream: NodeJS.ReadableStream,
): Promise<{ stdout: string; stderr: string }> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  docker.modem.demuxStream(stream, out, err);
  stream.once('end', () => {
    out.end();
    err.end();
  });
  const [stdout, stderr] = await Promise.all([text(out), text(err)]);
  return { stdout, stderr };
}

export async function stateOf(container: Docker.Container): Promise<string> {
  return (await container.inspect()).State.Status;
}

/** Resolves when a container's state is as it should be. */
export async function untilIs(container: Docker.Container, status: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while ((await stateOf(container)) !== status) {
    assert.ok(Date.now() < deadline, `it never became ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Every line of a progress stream; rejects with the error that it tells. */
export const followed = (docker: Docker, stream: NodeJS.ReadableStream): Promise<unknown[]> =>
  promisify<NodeJS.ReadableStream, unknown[]>((of, done) =>
    docker.modem.followProgress(of, (failure, all) => done(failure, all)),
  )(stream);

/** Calls a method that the typings do not know. */
export async function untyped(of: object, method: string, ...given: unknown[]): Promise<unknown> {
  const found: unknown = Reflect.get(of, method);
  if (typeof found !== 'function') throw new Error(`there is no method ${method}`);
  return Reflect.apply(found, of, given);
}

/** Rejects as dockerode does: with a status. */
export const status = (code: number) => (failure: unknown) =>
  typeof failure === 'object' && failure !== null && 'statusCode' in failure && failure.statusCode === code;
