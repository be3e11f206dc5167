import { VolumeCreateBody } from '../../../protocol/docker.ts';
import type { VolumeUser, VolumeView } from '../../../protocol/volumes.ts';
import { hasProcess } from '../../container/state.ts';
import type { Volume } from '../../volume/contract.ts';
import { readJson } from '../body.ts';
import type { Engine } from '../engine.ts';
import { notInSwarm, onlyClusterVolumes } from '../errors.ts';
import { Filters } from '../filters.ts';
import { type Call, empty, json, type Reply, type Route } from '../route.ts';

export const volumeRoutes: readonly Route[] = [
  { method: 'GET', path: '/volumes', handler: list },
  { method: 'POST', path: '/volumes/create', handler: create },
  { method: 'POST', path: '/volumes/prune', handler: prune },
  { method: 'GET', path: '/volumes/{name}', handler: inspect },
  { method: 'PUT', path: '/volumes/{name}', since: 42, handler: update },
  { method: 'DELETE', path: '/volumes/{name}', handler: remove },
  { method: 'GET', path: '/porthole/v1/volumes', handler: views },
  { method: 'GET', path: '/porthole/v1/volumes/{name}', handler: view },
];

async function list(call: Call): Promise<Reply> {
  const { engine, query, minor } = call;
  const filters = Filters.parse(query.text('filters'), ['dangling', 'driver', 'label', 'name']);
  const dangling = filters.flag('dangling');
  const chosen = engine.volumes
    .list()
    .filter(
      ({ name, labels }) =>
        (dangling === undefined || dangling === (engine.volumes.holders(name).length === 0)) &&
        filters.equals('driver', 'local') &&
        filters.matches('name', name) &&
        filters.labels(labels),
    );
  return json({ Volumes: chosen.map((volume) => volumeJson(volume, minor)), Warnings: null });
}

async function create(call: Call): Promise<Reply> {
  const body = await readJson(call, VolumeCreateBody);
  if (body.ClusterVolumeSpec && call.minor >= 42) throw notInSwarm();
  const { Name: name = '', Driver: driver = '', DriverOpts: options, Labels: labels } = body;
  const volume = await call.engine.volumes.create({
    name,
    driver,
    ...(options && { options }),
    ...(labels && { labels }),
  });
  return json(volumeJson(volume, call.minor), 201);
}

async function inspect(call: Call): Promise<Reply> {
  return json(volumeJson(call.engine.volumes.get(call.param('name')), call.minor));
}

/** Only volumes of a swarm have something that can be updated. */
async function update(_: Call): Promise<Reply> {
  throw onlyClusterVolumes();
}

async function remove(call: Call): Promise<Reply> {
  await call.engine.volumes.remove(call.param('name'), { force: call.query.flag('force') });
  return empty(204);
}

async function prune(call: Call): Promise<Reply> {
  const { engine, query, minor, signal } = call;
  // Before 1.42 named volumes went too, and nothing else could be asked for.
  const known = ['label', 'label!', ...(minor >= 42 ? ['all'] : [])];
  const filters = Filters.parse(query.text('filters'), known);
  const all = minor < 42 || filters.flag('all') === true;
  const { removed, bytes } = await engine.volumes.prune(
    ({ anonymous, labels }) => (all || anonymous) && filters.prunes(labels),
    signal,
  );
  return json({ VolumesDeleted: removed, SpaceReclaimed: bytes });
}

/** Volumes for `/system/df`: those with a device of their own say nothing about this disk. */
export async function volumesInUse(engine: Engine, minor: number): Promise<object[]> {
  const local = engine.volumes.list().filter(({ options = {} }) => Object.keys(options).length === 0);
  return Promise.all(
    local.map(async (volume) => ({
      ...volumeJson(volume, minor),
      UsageData: {
        RefCount: engine.volumes.holders(volume.name).length,
        Size: (await engine.volumes.size(volume.name)).apparent,
      },
    })),
  );
}

/** What dockerd marks volumes with that nobody named. */
const anonymousLabel = 'com.docker.volume.anonymous';

function volumeJson({ name, mountpoint, createdAt, labels, options, anonymous }: Volume, minor: number): object {
  const marked = anonymous && minor >= 42 ? { ...labels, [anonymousLabel]: '' } : labels;
  return {
    CreatedAt: createdAt,
    Driver: 'local',
    Labels: marked ?? null,
    Mountpoint: mountpoint,
    Name: name,
    Options: options ?? null,
    Scope: 'local',
  };
}

async function views(call: Call): Promise<Reply> {
  const { engine } = call;
  const users = usersOf(engine);
  return json(await Promise.all(engine.volumes.list().map((volume) => viewOf(engine, volume, users))));
}

async function view(call: Call): Promise<Reply> {
  const { engine } = call;
  return json(await viewOf(engine, engine.volumes.get(call.param('name')), usersOf(engine)));
}

async function viewOf(
  engine: Engine,
  volume: Volume,
  users: ReadonlyMap<string, readonly VolumeUser[]>,
): Promise<VolumeView> {
  const { name, mountpoint, createdAt, anonymous, labels = {}, options = {} } = volume;
  const isOurs = Object.keys(options).length === 0;
  return {
    name,
    mountpoint,
    createdAt,
    anonymous,
    labels,
    options,
    ...(isOurs && { size: await engine.volumes.size(name) }),
    users: users.get(name) ?? [],
  };
}

function usersOf(engine: Engine): Map<string, VolumeUser[]> {
  const found = new Map<string, VolumeUser[]>();
  for (const { id, name, mounts, state } of engine.containers.list()) {
    for (const { Type, Name, Destination: destination, RW: rw, subpath } of mounts) {
      if (Type !== 'volume' || Name === undefined) continue;
      const users = found.get(Name) ?? [];
      const running = hasProcess(state.status);
      users.push({ container: id, name, destination, rw, ...(subpath !== undefined && { subpath }), running });
      found.set(Name, users);
    }
  }
  return found;
}
