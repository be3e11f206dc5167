import { PortholeError } from '../../../base/errors.ts';
import { isUp } from '../../container/state.ts';
import { Filters } from '../filters.ts';
import { pruneUntil } from '../moment.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';
import { sizesOf } from './containers.ts';

export const pruneRoutes: readonly Route[] = [
  { method: 'POST', path: '/containers/prune', handler: pruneContainers },
  // There is nothing of these that could be cleared away, but `docker system prune` asks for all of them. What a build may take
  // from the cache are images, which `docker image prune` has; dockerd's classic builder keeps nothing apart either.
  { method: 'POST', path: '/networks/prune', handler: pruneNothing('network', { NetworksDeleted: null }) },
  {
    method: 'POST',
    path: '/build/prune',
    since: 31,
    handler: pruneNothing('builder', { CachesDeleted: null, SpaceReclaimed: 0 }),
  },
];

function pruneNothing(type: 'network' | 'builder', answer: object): Route['handler'] {
  return async ({ engine }) => {
    engine.events.announce({ type, action: 'prune', id: '', attributes: { reclaimed: '0' } });
    return json(answer);
  };
}

const known = ['label', 'label!', 'until'];

/** Removes what does not run; its volumes stay. */
async function pruneContainers(call: Call): Promise<Reply> {
  const { engine } = call;
  const filters = Filters.parse(call.query.text('filters'), known);
  const until = pruneUntil(filters, Date.now());
  const deleted: string[] = [];
  let reclaimed = 0;
  for (const record of engine.containers.list()) {
    if (call.signal.aborted) break;
    if (isUp(record.state.status) || (until !== undefined && Date.parse(record.created) > until)) continue;
    if (!filters.prunes(record.config.Labels)) continue;
    const { rw } = await sizesOf(engine, record).catch(() => ({ rw: 0 }));
    try {
      await engine.containers.remove(record.id, { force: false, volumes: false });
    } catch (failure) {
      // Started again or removed by somebody else meanwhile: that one is not ours to remove.
      if (failure instanceof PortholeError) continue;
      throw failure;
    }
    deleted.push(record.id);
    reclaimed += rw;
  }
  engine.events.announce({ type: 'container', action: 'prune', id: '', attributes: { reclaimed: String(reclaimed) } });
  return json({ ContainersDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: reclaimed });
}
