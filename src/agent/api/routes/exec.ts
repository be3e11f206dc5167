import { messageOf, PortholeError } from '../../../base/errors.ts';
import { ExecCreateBody, ExecStartBody } from '../../../protocol/docker.ts';
import type { ExecRecord, TerminalSize } from '../../container/contract.ts';
import { parseDetachKeys } from '../../container/detach-keys.ts';
import { frameHeader } from '../../container/stdio-stream.ts';
import { readJson, readOptionalJson } from '../body.ts';
import { badParameter } from '../errors.ts';
import { join } from '../hijack.ts';
import { type Call, empty, json, type Reply, type Route, sent } from '../route.ts';
import { streamType } from './attach.ts';
import { sizeOf } from './life.ts';

/** Further processes in a running container. */
export const execRoutes: readonly Route[] = [
  { method: 'POST', path: '/containers/{id}/exec', handler: create },
  { method: 'POST', path: '/exec/{id}/start', hijacks: true, handler: start },
  { method: 'POST', path: '/exec/{id}/resize', handler: resize },
  { method: 'GET', path: '/exec/{id}/json', handler: inspect },
];

async function create(call: Call): Promise<Reply> {
  const body = await readJson(call, ExecCreateBody);
  if (body.Cmd === undefined || body.Cmd.length === 0) throw badParameter('No exec command specified');
  const size = consoleSize(call, body.ConsoleSize);
  const { id } = await call.engine.containers.execCreate(call.param('id'), {
    argv: body.Cmd,
    env: body.Env ?? [],
    tty: body.Tty ?? false,
    privileged: body.Privileged ?? false,
    attachStdin: body.AttachStdin ?? false,
    attachStdout: body.AttachStdout ?? false,
    attachStderr: body.AttachStderr ?? false,
    ...(body.User && { user: body.User }),
    ...(body.WorkingDir && { workingDir: body.WorkingDir }),
    ...(body.DetachKeys && { detachKeys: body.DetachKeys }),
    ...(size && { size }),
  });
  return json({ Id: id }, 201);
}

async function start(call: Call): Promise<Reply> {
  const id = call.param('id');
  const body = await readOptionalJson(call, ExecStartBody);
  const { options } = call.engine.containers.execInspect(id);
  const detach = body.Detach ?? false;
  const size = consoleSize(call, body.ConsoleSize);
  const launch = () =>
    call.engine.containers.execStart(id, { detach, tty: body.Tty ?? options.tty, ...(size && { size }) });
  if (detach) {
    await launch();
    return empty(200);
  }
  let streams: Awaited<ReturnType<typeof launch>>;
  try {
    streams = await launch();
  } catch (failure) {
    if (!isToldInStream(failure)) throw failure;
    tellFailure(call, failure, options.tty);
    return sent;
  }
  const connection = call.hijack(streamType(call, options.tty));
  if (streams === undefined) connection.end();
  else await join(streams.duplex, connection, { stdin: options.attachStdin });
  return sent;
}

async function resize(call: Call): Promise<Reply> {
  await call.engine.containers.execResize(call.param('id'), sizeOf(call));
  return empty(200);
}

async function inspect(call: Call): Promise<Reply> {
  return json(execInspect(call.engine.containers.execInspect(call.param('id'))));
}

/** `GET /exec/{id}/json` */
export function execInspect(record: ExecRecord): object {
  const { options } = record;
  return {
    ID: record.id,
    Running: record.running,
    ExitCode: record.exitCode ?? null,
    ProcessConfig: {
      tty: options.tty,
      entrypoint: options.argv[0] ?? '',
      arguments: options.argv.slice(1),
      privileged: options.privileged,
      ...(options.user !== undefined && { user: options.user }),
    },
    OpenStdin: options.attachStdin,
    OpenStderr: options.attachStderr,
    OpenStdout: options.attachStdout,
    CanRemove: !record.running && record.exitCode !== undefined,
    ContainerID: record.containerId,
    // The keys' codes, in base64: that is how Go writes bytes.
    DetachKeys: options.detachKeys ? Buffer.from(parseDetachKeys(options.detachKeys)).toString('base64') : '',
    Pid: record.pid,
  };
}

/**
 * A program that could not be executed is the process's failure: `docker exec` reads the words from the stream and the
 * code (126, 127) from the exec's state. What the client did wrong is an answer with a status.
 */
function isToldInStream(failure: unknown): boolean {
  if (!(failure instanceof PortholeError)) return false;
  return failure.kind === 'invalid' || failure.kind === 'internal';
}

function tellFailure(call: Call, failure: unknown, tty: boolean): void {
  const words = Buffer.from(`${messageOf(failure)}\r\n`);
  const connection = call.hijack(streamType(call, tty));
  connection.on('error', () => connection.destroy());
  if (!tty) connection.write(frameHeader({ stream: 'stderr', data: words }));
  connection.end(words, () => connection.destroy());
}

/** Docker's [height, width]; nothing before API 1.42. */
function consoleSize({ minor }: Call, given: readonly number[] | undefined): TerminalSize | undefined {
  if (minor < 42) return undefined;
  const [rows = 0, columns = 0] = given ?? [];
  return rows > 0 && columns > 0 ? { rows, columns } : undefined;
}
