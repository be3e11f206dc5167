import { isKind } from '../../../base/errors.ts';
import { type ContainerConfig, CreateBody } from '../../../protocol/docker.ts';
import type { ContainerRecord, CreateOptions } from '../../container/contract.ts';
import { processTable } from '../../inspect/top.ts';
import { treeBytes } from '../../sys/tree-size.ts';
import { readJson } from '../body.ts';
import { chosenContainers, containerFilterKeys } from '../container-filter.ts';
import { containerInspect } from '../container-inspect.ts';
import { type ContainerSizes, containerSummary } from '../container-summary.ts';
import type { Engine } from '../engine.ts';
import { badParameter, notThereYet } from '../errors.ts';
import { Filters } from '../filters.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';

/** Making containers and looking at them. */
export const containerRoutes: readonly Route[] = [
  { method: 'POST', path: '/containers/create', handler: create },
  { method: 'GET', path: '/containers/json', handler: list },
  { method: 'GET', path: '/containers/{id}/json', handler: inspect },
  { method: 'GET', path: '/containers/{id}/changes', handler: changes },
  { method: 'GET', path: '/containers/{id}/top', handler: top },
];

async function create(call: Call): Promise<Reply> {
  const { id, warnings } = await call.engine.containers.create(await createOptions(call));
  return json({ Id: id, Warnings: warnings }, 201);
}

/** What a create body and its query ask for. @throws invalid or unsupported where it cannot be. */
export async function createOptions(call: Call): Promise<CreateOptions> {
  const body = await readJson(call, CreateBody);
  const { HostConfig = {}, NetworkingConfig, ...given } = body;
  const config = call.minor < 44 ? withoutStartInterval(given) : given;
  refuseEndpoints(NetworkingConfig?.EndpointsConfig, HostConfig.NetworkMode ?? 'default');
  refusePlatform(call.query.text('platform'), call.engine.agent.architecture);
  const name = call.query.text('name');
  return { config, hostConfig: HostConfig, ...(name !== '' && { name }) };
}

/** Clients from before 1.44 do not know what they would ask for. */
function withoutStartInterval(config: ContainerConfig): ContainerConfig {
  const { Healthcheck: check } = config;
  return check?.StartInterval ? { ...config, Healthcheck: { ...check, StartInterval: undefined } } : config;
}

async function list(call: Call): Promise<Reply> {
  const { engine, query } = call;
  const filters = Filters.parse(query.text('filters'), containerFilterKeys);
  const chosen = chosenContainers(engine, filters, { all: query.flag('all'), limit: query.whole('limit') ?? 0 });
  const now = new Date();
  const withSize = query.flag('size');
  return json(
    await Promise.all(
      chosen.map(async (record) => {
        const sizes = withSize ? await sizesOf(engine, record) : undefined;
        return containerSummary(record, {
          now,
          image: imageWord(engine, record),
          minor: call.minor,
          ...(sizes && { sizes }),
        });
      }),
    ),
  );
}

async function inspect(call: Call): Promise<Reply> {
  const { engine } = call;
  const record = engine.containers.get(call.param('id'));
  const sizes = call.query.flag('size') ? await sizesOf(engine, record) : undefined;
  return json(
    containerInspect(record, {
      execIds: engine.containers.execIds(record.id),
      upper: engine.containers.upper(record.id),
      lowers: lowersOf(engine, record),
      ...(sizes && { sizes }),
    }),
  );
}

async function changes(call: Call): Promise<Reply> {
  const found = await call.engine.containers.changes(call.param('id'));
  return json(found.length === 0 ? null : found);
}

async function top(call: Call): Promise<Reply> {
  const pids = await call.engine.containers.pids(call.param('id'));
  return json(await processTable(pids, call.query.text('ps_args') || '-ef'));
}

/** @throws never: a record whose image is gone has just its own files. */
export async function sizesOf(engine: Engine, record: ContainerRecord): Promise<ContainerSizes> {
  const rw = await treeBytes(engine.containers.upper(record.id));
  return { rw, rootFs: rw + (imageOrNone(engine, record.imageId)?.size ?? 0) };
}

/** The image as `docker ps` shows it: by name, or by id once the name means another image. */
export function imageWord(engine: Engine, record: ContainerRecord): string {
  const named = imageOrNone(engine, record.image);
  return named === undefined || named.id === record.imageId ? record.image : record.imageId;
}

function lowersOf(engine: Engine, record: ContainerRecord): string[] {
  if (imageOrNone(engine, record.imageId) === undefined) return [];
  const { base, lowers } = engine.images.rootfs(record.imageId);
  return lowers.map((name) => `${base}/${name}`);
}

function imageOrNone(engine: Engine, nameOrId: string) {
  try {
    return engine.images.get(nameOrId);
  } catch (failure) {
    if (isKind(failure, 'not-found') || isKind(failure, 'invalid')) return undefined;
    throw failure;
  }
}

/** Addresses, aliases and further networks need networks, which are not there yet. */
function refuseEndpoints(endpoints: Readonly<Record<string, object | null>> | undefined, mode: string): void {
  const same = (name: string): boolean => name === mode || (isDefault(name) && isDefault(mode));
  for (const [name, endpoint] of Object.entries(endpoints ?? {})) {
    if (!same(name)) throw notThereYet(`Connecting a container to the network ${name}`);
    for (const [field, value] of Object.entries(endpoint ?? {})) {
      if (isNothing(value)) continue;
      throw badParameter(`${field} of the network ${name} is not supported yet`);
    }
  }
}

const isDefault = (name: string): boolean => name === '' || name === 'default' || name === 'bridge';

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === 0 || value === false) return true;
  return typeof value === 'object' && Object.values(value).every(isNothing);
}

/** @param wanted for example 'linux/amd64' or '' */
function refusePlatform(wanted: string, nodeArchitecture: string): void {
  if (wanted === '') return;
  const architecture = nodeArchitecture === 'x64' ? 'amd64' : nodeArchitecture;
  const [os, cpu = architecture] = wanted.split('/');
  if (os !== 'linux' || cpu !== architecture) {
    throw badParameter(`platform ${wanted} cannot run here: this host is linux/${architecture}`);
  }
}
