import { longestTimer } from '../../../base/timer.ts';
import type { EngineEvent } from '../../container/events.ts';
import { badParameter } from '../errors.ts';
import { Filters } from '../filters.ts';
import { type Call, type Reply, type Route, sent } from '../route.ts';

export const eventRoutes: readonly Route[] = [{ method: 'GET', path: '/events', handler: events }];

/** Past events from `since`, then live ones until `until` or until the client goes away. */
async function events(call: Call): Promise<Reply> {
  const { query, response, engine } = call;
  const filters = Filters.parse(query.text('filters'));
  const [since, until] = [query.nanoTime('since'), query.nanoTime('until')];
  if (since !== undefined && until !== undefined && since > until) {
    throw badParameter(
      `\`since\` time (${query.text('since')}) cannot be after \`until\` time (${query.text('until')})`,
    );
  }
  // A build's end has been an event of its own since API 1.46: older clients hear of its tag.
  const isKnown = ({ type, action }: EngineEvent): boolean =>
    call.minor >= 46 || type !== 'image' || action !== 'create';
  const inTime = ({ timeNano }: EngineEvent): boolean =>
    (since === undefined || timeNano >= since) && (until === undefined || timeNano <= until);
  const write = (event: EngineEvent): void => {
    if (!inTime(event) || !isKnown(event) || !wanted(event, filters)) return;
    // An event is small and none may be lost: a client that reads slowly is given up only when it is far behind.
    if (response.writableLength > mostBehind) response.destroy();
    else response.write(`${eventLine(event)}\n`);
  };
  const left = until === undefined ? undefined : Number(until / 1_000_000n) - Date.now();
  const listening = left === undefined || left > 0 ? engine.events.listen(write) : undefined;
  response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders();
  if (since !== undefined || until !== undefined) engine.events.past().forEach(write);
  if (listening) await untilOver(call, left);
  listening?.dispose();
  response.end();
  return sent;
}

/** Bytes that are held for a client. */
export const mostBehind = 4 * 1024 * 1024;

/** Resolves after `milliseconds`, or when the client is gone. */
async function untilOver(call: Call, milliseconds: number | undefined): Promise<void> {
  const { signal } = call;
  await new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    const end = milliseconds === undefined ? undefined : Date.now() + milliseconds;
    let timer: NodeJS.Timeout | undefined;
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    // An `until` beyond the longest timer is waited for in parts.
    const tick = (): void => {
      if (end === undefined) return;
      const left = end - Date.now();
      if (left <= 0) done();
      else timer = setTimeout(tick, Math.min(left, longestTimer));
    };
    signal.addEventListener('abort', done);
    tick();
  });
}

/** One line of `GET /events`, without its end. */
function eventLine(event: EngineEvent): string {
  const { type, action, id, attributes, timeNano } = event;
  const from = attributes['image'];
  const value = {
    // Clients from before API 1.22 read the flat fields; dockerd still sends them for containers and images.
    ...((type === 'container' || type === 'image') && { status: action, id }),
    ...(type === 'container' && from !== undefined && { from }),
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    scope: 'local',
    time: Number(timeNano / 1_000_000_000n),
  };
  // Nanoseconds are beyond what a JavaScript number holds exactly, but not beyond JSON's.
  return `${JSON.stringify(value).slice(0, -1)},"timeNano":${timeNano}}`;
}

/** Filters that name one object. Of the last five kinds there is none here: a filter for one matches nothing. */
const kinds = ['container', 'volume', 'network', 'daemon', 'plugin', 'node', 'service', 'secret', 'config'];

function wanted(event: EngineEvent, filters: Filters): boolean {
  const { type, action, id, attributes } = event;
  const name = attributes['name'] ?? '';
  return (
    filters.equals('type', type) &&
    filters.equals('event', action, action.split(':')[0] ?? action) &&
    filters.equals('scope', 'local') &&
    filters.labels(attributes) &&
    kinds.every(isAbout) &&
    isAboutImage()
  );

  function isAbout(key: string): boolean {
    if (!filters.has(key)) return true;
    return type === key && filters.begins(key, id, name);
  }

  /** An event of a container is about its image too. */
  function isAboutImage(): boolean {
    if (!filters.has('image')) return true;
    if (type !== 'image' && type !== 'container') return false;
    const image = type === 'image' ? name : (attributes['image'] ?? '');
    return filters.equals('image', id, image, image.replace(/:[^:/]*$/, ''));
  }
}
