import { isKind, PortholeError } from '../../base/errors.ts';
import type { ContainerRecord } from '../container/contract.ts';
import { isUp } from '../container/state.ts';
import type { Engine } from './engine.ts';
import { badParameter } from './errors.ts';
import type { Filters } from './filters.ts';
import { imageOrNone } from './image-lookup.ts';
import { networkId, networkOf } from './networks.ts';

export const containerFilterKeys = [
  ...['ancestor', 'before', 'exited', 'expose', 'health', 'id', 'is-task', 'isolation', 'label', 'name', 'network'],
  ...['publish', 'since', 'status', 'volume'],
];

const statuses = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];

const healths = ['starting', 'healthy', 'unhealthy', 'none'];

/** The containers that `GET /containers/json` shows, newest first. */
export function chosenContainers(
  engine: Engine,
  filters: Filters,
  options: { readonly all: boolean; readonly limit: number },
): ContainerRecord[] {
  for (const status of filters.get('status')) {
    if (statuses.includes(status)) continue;
    throw badParameter(
      `invalid value for status (${status}): must be one of ${statuses.slice(0, -1).join(', ')}, or dead`,
    );
  }
  for (const health of filters.get('health')) {
    if (healths.includes(health)) continue;
    throw badParameter(`Unrecognised filter value for health: ${health}`);
  }
  for (const key of ['expose', 'publish'] as const) for (const value of filters.get(key)) checkPorts(key, value);
  const isTask = filters.flag('is-task');
  const exitCodes = filters.get('exited').map(exitCodeOf);
  const before = filters.get('before').map((name) => createdAt(engine, name));
  const since = filters.get('since').map((name) => createdAt(engine, name));
  const ancestors = filters.get('ancestor').map((name) => descendantsOf(engine, name));
  const all = options.all || options.limit > 0 || filters.has('status') || exitCodes.length > 0;

  const chosen = engine.containers
    .list()
    .filter((record) => {
      const { state } = record;
      return (
        (all || isUp(state.status)) &&
        filters.begins('id', record.id) &&
        filters.matches('name', record.name, `/${record.name}`) &&
        filters.labels(record.config.Labels) &&
        filters.equals('status', state.status) &&
        (exitCodes.length === 0 || (exitCodes.includes(state.exitCode) && hasEnded(record))) &&
        before.every((time) => record.created < time) &&
        since.every((time) => record.created > time) &&
        (!filters.has('ancestor') || ancestors.some((ids) => ids.has(record.imageId))) &&
        filters.equals('health', state.health?.status ?? 'none') &&
        isInNetwork(record, filters) &&
        hasVolume(record, filters) &&
        hasPorts(record, filters) &&
        isTask !== true
      );
    })
    .sort((a, b) => (a.created < b.created ? 1 : a.created > b.created ? -1 : 0));
  return options.limit > 0 ? chosen.slice(0, options.limit) : chosen;
}

function hasEnded({ state }: ContainerRecord): boolean {
  return (state.status === 'exited' || state.status === 'dead') && !state.finishedAt.startsWith('0001-');
}

function isInNetwork(record: ContainerRecord, filters: Filters): boolean {
  if (!filters.has('network')) return true;
  const name = networkOf(record);
  return name !== undefined && (filters.equals('network', name) || filters.begins('network', networkId(name)));
}

function hasVolume(record: ContainerRecord, filters: Filters): boolean {
  return filters.equals('volume', ...record.mounts.flatMap((mount) => [mount.Destination, mount.Name ?? mount.Source]));
}

/** Nothing is published yet; what is exposed is in the config, as '80/tcp'. */
function hasPorts(record: ContainerRecord, filters: Filters): boolean {
  const exposed = Object.keys(record.config.ExposedPorts ?? {});
  return (
    !filters.has('publish') &&
    filters.equals('expose', ...exposed, ...exposed.map((port) => port.replace(/\/tcp$/, '')))
  );
}

/** As Go says it, whose words dockerd passes on. */
const noNumber = (parser: string, text: string) => `strconv.${parser}: parsing ${JSON.stringify(text)}: invalid syntax`;

/** @throws invalid for what is neither a port nor a range of them, with or without a protocol. */
function checkPorts(key: 'expose' | 'publish', value: string): void {
  for (const number of (value.split('/')[0] ?? '').split('-')) {
    if (/^\d+$/.test(number)) continue;
    throw badParameter(`error while looking up for ${key} ${value}: ${noNumber('ParseUint', number)}`);
  }
  const [first, last = first] = (value.split('/')[0] ?? '').split('-').map(Number);
  if (Number(last) >= Number(first)) return;
  throw badParameter(`error while looking up for ${key} ${value}: Invalid range specified for the Port: ${value}`);
}

function createdAt(engine: Engine, name: string): string {
  try {
    return engine.containers.get(name).created;
  } catch (failure) {
    if (isKind(failure, 'not-found')) throw new PortholeError('not-found', `no such container ${name}`);
    throw failure;
  }
}

/** Ids of an image and of those that were made from it; of one that is not there none, and the filter matches nothing. */
function descendantsOf(engine: Engine, name: string): Set<string> {
  const ancestor = imageOrNone(engine, name);
  const found = new Set(ancestor && [ancestor.id]);
  const others = found.size > 0 ? engine.images.list() : [];
  // A child may be listed before its parent: again, until there is none to add.
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const { id, parent } of others) if (parent !== undefined && found.has(parent)) found.add(id);
  }
  return found;
}

function exitCodeOf(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw badParameter(noNumber('Atoi', text));
  return Number(text);
}
