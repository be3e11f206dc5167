import type { HistoryQuery } from '../../container/history.ts';
import { badParameter } from '../errors.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';

/** What happened to containers, also to those that are gone. */
export const historyRoutes: readonly Route[] = [
  { method: 'GET', path: '/porthole/v1/history', handler: wholeHistory },
  { method: 'GET', path: '/porthole/v1/containers/{id}/history', handler: history },
];

/** Entries of all containers that are given when nobody says how many. */
const usualLimit = 1000;

async function wholeHistory(call: Call): Promise<Reply> {
  const query = queryOf(call, { trace: false });
  return json(await call.engine.containers.wholeHistory({ limit: usualLimit, ...query }));
}

async function history(call: Call): Promise<Reply> {
  return json(await call.engine.containers.history(call.param('id'), queryOf(call, { trace: true })));
}

function queryOf({ query }: Call, otherwise: { readonly trace: boolean }): HistoryQuery {
  const [since, until, limit] = [query.nanoTime('since'), query.nanoTime('until'), query.whole('limit')];
  if (limit !== undefined && limit < 0) throw badParameter('limit cannot be negative');
  return {
    withTrace: query.flag('trace', otherwise.trace),
    ...(since !== undefined && { since: timeText(since) }),
    ...(until !== undefined && { until: timeText(until) }),
    ...(limit !== undefined && { limit }),
  };
}

/** RFC 3339 with nine digits, so that texts compare as times do. */
function timeText(nanoseconds: bigint): string {
  const time = new Date(Number(nanoseconds / 1_000_000n));
  if (Number.isNaN(time.getTime()) || nanoseconds < 0n) throw badParameter('since and until are points in time');
  return `${time.toISOString().slice(0, 19)}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}Z`;
}
