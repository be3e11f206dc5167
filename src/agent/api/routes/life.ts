import { PortholeError } from '../../../base/errors.ts';
import type { StopOptions } from '../../container/contract.ts';
import { eventAttributes } from '../../container/engine.ts';
import { isUp } from '../../container/state.ts';
import { badParameter } from '../errors.ts';
import { type Call, empty, type Reply, type Route, sent } from '../route.ts';

/** What moves a container through its states. */
export const lifeRoutes: readonly Route[] = [
  { method: 'POST', path: '/containers/{id}/start', handler: start },
  { method: 'POST', path: '/containers/{id}/stop', handler: stop },
  { method: 'POST', path: '/containers/{id}/restart', handler: restart },
  { method: 'POST', path: '/containers/{id}/kill', handler: kill },
  { method: 'POST', path: '/containers/{id}/pause', handler: pause },
  { method: 'POST', path: '/containers/{id}/unpause', handler: unpause },
  { method: 'POST', path: '/containers/{id}/wait', handler: wait },
  { method: 'POST', path: '/containers/{id}/rename', handler: rename },
  { method: 'POST', path: '/containers/{id}/resize', handler: resize },
  { method: 'DELETE', path: '/containers/{id}', handler: remove },
];

async function start(call: Call): Promise<Reply> {
  refuseStartBody(call);
  await call.engine.containers.start(call.param('id'));
  return empty(204);
}

/** Bytes of a body that can say nothing, as dockerd counts them: `{}` and its like. */
const emptyBody = 7;

/** What a container is made of was once sent with its start. */
function refuseStartBody({ request: { headers } }: Call): void {
  const isSent = Number(headers['content-length'] ?? 0) > emptyBody || headers['transfer-encoding'] !== undefined;
  if (!isSent) return;
  throw badParameter(
    'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24',
  );
}

async function stop(call: Call): Promise<Reply> {
  await call.engine.containers.stop(call.param('id'), grace(call));
  return empty(204);
}

async function restart(call: Call): Promise<Reply> {
  await call.engine.containers.restart(call.param('id'), grace(call));
  return empty(204);
}

async function kill(call: Call): Promise<Reply> {
  await call.engine.containers.kill(call.param('id'), call.query.text('signal') || undefined);
  return empty(204);
}

async function pause(call: Call): Promise<Reply> {
  await call.engine.containers.pause(call.param('id'));
  return empty(204);
}

async function unpause(call: Call): Promise<Reply> {
  await call.engine.containers.unpause(call.param('id'));
  return empty(204);
}

async function wait(call: Call): Promise<Reply> {
  const condition = conditionOf(call.minor < 30 ? '' : call.query.text('condition'));
  const { id, state } = call.engine.containers.get(call.param('id'));
  const ended = call.engine.containers.wait(id, condition, call.signal);
  // `docker run` starts the container only after it has seen these headers, so that no exit is missed.
  call.response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders();
  const { exitCode, error } = await ended;
  // Whoever waits while a start fails hears why in the answer to `start`: the docker command would print it twice.
  const hasFailed = error !== undefined && condition === 'not-running' && !isUp(state.status);
  const body = { ...(hasFailed && { Error: { Message: error } }), StatusCode: exitCode };
  call.response.end(`${JSON.stringify(body)}\n`);
  return sent;
}

async function rename(call: Call): Promise<Reply> {
  await call.engine.containers.rename(call.param('id'), call.query.text('name'));
  return empty(204);
}

async function resize(call: Call): Promise<Reply> {
  const { containers, events } = call.engine;
  const { rows, columns } = sizeOf(call);
  const record = containers.get(call.param('id'));
  await containers.resize(record.id, { rows, columns });
  const attributes = { ...eventAttributes(record), height: String(rows), width: String(columns) };
  events.announce({ type: 'container', action: 'resize', id: record.id, attributes });
  return empty(200);
}

async function remove(call: Call): Promise<Reply> {
  if (call.query.flag('link')) refuseLink(call);
  await call.engine.containers.remove(call.param('id'), {
    force: call.query.flag('force'),
    volumes: call.query.flag('v'),
  });
  return empty(204);
}

/** A name without a parent is no link's. */
function refuseLink(call: Call): never {
  const name = call.param('id');
  call.engine.containers.get(name);
  if (!name.replace(/^\//, '').includes('/')) {
    throw new PortholeError('conflict', 'Conflict, cannot remove the default link name of the container');
  }
  throw badParameter('links between containers are not supported');
}

/** Rows and columns of a terminal, from `h` and `w`. */
export function sizeOf(call: Call): { rows: number; columns: number } {
  const [rows, columns] = [call.query.whole('h'), call.query.whole('w')];
  if (rows === undefined || columns === undefined) throw badParameter('a terminal size needs h and w');
  // The kernel's numbers have 16 bits; dockerd hands it the lowest ones of whatever it gets.
  return { rows: rows & 0xffff, columns: columns & 0xffff };
}

function grace(call: Call): StopOptions {
  const seconds = call.query.whole('t');
  const signal = call.minor < 42 ? '' : call.query.text('signal');
  return { ...(seconds !== undefined && { seconds }), ...(signal !== '' && { signal }) };
}

function conditionOf(text: string): 'not-running' | 'next-exit' | 'removed' {
  if (text === '' || text === 'not-running') return 'not-running';
  if (text === 'next-exit' || text === 'removed') return text;
  throw badParameter(`invalid condition: ${JSON.stringify(text)}`);
}
