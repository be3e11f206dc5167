import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { isKind } from '../../../base/errors.ts';
import { hasProcess } from '../../container/state.ts';
import { dockerStats, type Sample } from '../../inspect/stats.ts';
import { readMachineCpu, readMemoryTotal } from '../../sys/machine.ts';
import type { Engine } from '../engine.ts';
import { badParameter } from '../errors.ts';
import { type Call, json, type Reply, type Route, sent } from '../route.ts';

export const statsRoutes: readonly Route[] = [{ method: 'GET', path: '/containers/{id}/stats', handler: stats }];

/** Clients divide by the difference of two samples that are this far apart. */
const period = 1000;

async function stats(call: Call): Promise<Reply> {
  const { engine, query, signal } = call;
  const stream = query.flag('stream', true);
  const oneShot = query.flag('one-shot');
  if (stream && oneShot) throw badParameter('cannot have stream=true and one-shot=true');
  const { id, name } = engine.containers.get(call.param('id'));
  const container = { id, name, memoryTotal: await readMemoryTotal() };
  if (!stream) {
    const first = await sample(engine, id);
    if (oneShot || first.reading === undefined) return json(dockerStats(container, first, undefined));
    await pause(period, undefined, { signal });
    return json(dockerStats(container, await sample(engine, id), first));
  }
  call.response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders();
  await streamStats(call, container);
  call.response.end();
  return sent;
}

/** One line a second until the container is removed or the client is gone. */
async function streamStats(call: Call, container: { id: string; name: string; memoryTotal: number }): Promise<void> {
  const { engine, response, signal } = call;
  let before: Sample | undefined;
  for (let next = Date.now(); !signal.aborted; next += period) {
    let current: Sample;
    try {
      current = await sample(engine, container.id);
    } catch (failure) {
      if (isKind(failure, 'not-found')) return;
      throw failure;
    }
    const line = `${JSON.stringify(dockerStats(container, current, before))}\n`;
    // A client that does not read misses samples instead of filling our memory.
    if (!response.write(line)) await once(response, 'drain', { signal }).catch(() => undefined);
    before = current;
    // After a pause of the client the rhythm begins anew, or it would be flooded with what it has missed.
    next = Math.max(next, Date.now() - period);
    await pause(Math.max(0, next + period - Date.now()), undefined, { signal }).catch(() => undefined);
  }
}

async function sample(engine: Engine, id: string): Promise<Sample> {
  const { state } = engine.containers.get(id);
  const runs = hasProcess(state.status);
  const [reading, figures, machine] = await Promise.all([
    runs ? engine.containers.reading(id).catch(noneIfEnded) : undefined,
    runs ? engine.containers.figures(id).catch(noneIfEnded) : undefined,
    readMachineCpu(),
  ]);
  return { reading, figures, machineCpu: machine.total, onlineCpus: machine.online };
}

/** It ended between the look at its state and the reading. */
function noneIfEnded(failure: unknown): undefined {
  if (isKind(failure, 'conflict') || isKind(failure, 'not-found')) return undefined;
  throw failure;
}
