import { isKind } from '../../../base/errors.ts';
import type { CgroupReading } from '../../../protocol/usage.ts';
import { hasProcess } from '../../container/state.ts';
import { UsageNews } from '../../inspect/live-usage.ts';
import { intervalOf, streamJson } from '../json-lines.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';

/** Figures of any cgroup on the host, once or as lines (`?stream=1&interval=MS`). */
export const cgroupRoutes: readonly Route[] = [
  { method: 'GET', path: '/porthole/v1/cgroups', handler: node },
  { method: 'GET', path: '/porthole/v1/containers/{id}/cgroup', handler: ofContainer },
  { method: 'GET', path: '/porthole/v1/containers/{id}/usage', handler: usage },
  { method: 'GET', path: '/porthole/v1/usage', handler: liveUsage },
  { method: 'GET', path: '/porthole/v1/capacity', handler: capacity },
];

/** With `stream` its readings alone: the tree below is asked for again by who wants to see it. */
async function node(call: Call): Promise<Reply> {
  const { cgroups } = call.engine;
  const path = call.query.text('path') || '/';
  if (!call.query.flag('stream')) return json(await cgroups.node(path));
  return streamReadings(call, () => cgroups.reading(path));
}

async function ofContainer(call: Call): Promise<Reply> {
  const { containers } = call.engine;
  const { id } = containers.get(call.param('id'));
  if (!call.query.flag('stream')) return json(await containers.reading(id));
  return streamReadings(call, () => containers.reading(id));
}

/** `since`: only what is later. Also of a container that has ended. */
async function usage(call: Call): Promise<Reply> {
  const { usage: recorder, containers } = call.engine;
  const since = call.query.nanoTime('since') ?? 0n;
  return json(recorder.of(containers.get(call.param('id')).id, Number(since / 1_000_000n)));
}

/** How much every running container uses: one stream for all that a tree shows, silent while they sleep. */
async function liveUsage(call: Call): Promise<Reply> {
  const { containers } = call.engine;
  const news = new UsageNews();
  return streamJson(call, intervalOf(call), async () => {
    const readings = new Map<string, CgroupReading>();
    for (const { id, state } of containers.list()) {
      if (!hasProcess(state.status)) continue;
      const reading = await containers.reading(id).catch(noneIfGone);
      if (reading) readings.set(id, reading);
    }
    return news.of(readings);
  });
}

/** It ended between the look at its state and the reading. */
function noneIfGone(failure: unknown): undefined {
  if (!isKind(failure, 'conflict') && !isKind(failure, 'not-found')) throw failure;
}

async function capacity(call: Call): Promise<Reply> {
  const { cgroups } = call.engine;
  if (!call.query.flag('stream')) return json(await cgroups.capacity());
  return streamJson(call, intervalOf(call), () => cgroups.capacity());
}

/** Ends with the cgroup. */
function streamReadings(call: Call, read: () => Promise<CgroupReading>): Promise<Reply> {
  return streamJson<CgroupReading>(call, intervalOf(call), async (before) => {
    try {
      return await read();
    } catch (failure) {
      if (before !== undefined && (isKind(failure, 'conflict') || isKind(failure, 'not-found'))) return undefined;
      throw failure;
    }
  });
}
