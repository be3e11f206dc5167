import { setTimeout as pause } from 'node:timers/promises';
import { isKind } from '../../../base/errors.ts';
import { hasProcess } from '../../container/state.ts';
import { dockerStats, type Sample } from '../../inspect/stats.ts';
import { readMachineCpu, readMemoryTotal } from '../../sys/machine.ts';
import type { Engine } from '../engine.ts';
import { badParameter } from '../errors.ts';
import { streamJson } from '../json-lines.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';

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
  let before: Sample | undefined;
  return streamJson(call, period, async () => {
    const current = await sample(engine, id).catch(noneIfRemoved);
    if (current === undefined) return undefined;
    const figures = dockerStats(container, current, before);
    before = current;
    return figures;
  });
}

/** The stream ends with the container, not with its process. */
function noneIfRemoved(failure: unknown): undefined {
  if (!isKind(failure, 'not-found')) throw failure;
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
