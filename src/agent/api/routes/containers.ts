import type { ContainerRecord } from '../../container/contract.ts';
import { eventAttributes } from '../../container/engine.ts';
import { processTable } from '../../inspect/top.ts';
import { treeBytes } from '../../sys/tree-size.ts';
import { chosenContainers, containerFilterKeys } from '../container-filter.ts';
import { containerInspect } from '../container-inspect.ts';
import { type ContainerSizes, containerSummary } from '../container-summary.ts';
import { createOptions } from '../create-options.ts';
import type { Engine } from '../engine.ts';
import { Filters } from '../filters.ts';
import { imageOrNone } from '../image-lookup.ts';
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

async function list(call: Call): Promise<Reply> {
  const { engine, query } = call;
  const filters = Filters.parse(query.text('filters'), containerFilterKeys);
  const chosen = chosenContainers(engine, filters, { all: query.flag('all'), limit: query.whole('limit') ?? 0 });
  return json(await summariesOf(call, chosen, { sizes: query.flag('size') }));
}

/** Entries of `GET /containers/json`. */
export function summariesOf(
  { engine, minor }: Call,
  records: readonly ContainerRecord[],
  options: { readonly sizes: boolean },
): Promise<object[]> {
  const now = new Date();
  return Promise.all(
    records.map(async (record) => {
      const sizes = options.sizes ? await sizesOf(engine, record) : undefined;
      return containerSummary(record, { now, image: imageWord(engine, record), minor, ...(sizes && { sizes }) });
    }),
  );
}

async function inspect(call: Call): Promise<Reply> {
  const { engine } = call;
  const record = engine.containers.get(call.param('id'));
  const sizes = call.query.flag('size') ? await sizesOf(engine, record) : undefined;
  return json(
    containerInspect(record, {
      minor: call.minor,
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
  const { containers, events } = call.engine;
  const record = containers.get(call.param('id'));
  const table = await processTable(await containers.pids(record.id), call.query.text('ps_args') || '-ef');
  events.announce({ type: 'container', action: 'top', id: record.id, attributes: eventAttributes(record) });
  return json(table);
}

/** A record whose image is gone has just its own files. */
export async function sizesOf(engine: Engine, record: ContainerRecord): Promise<ContainerSizes> {
  const rw = await treeBytes(engine.containers.upper(record.id));
  return { rw, rootFs: rw + (imageOrNone(engine, record.imageId)?.size ?? 0) };
}

/** The image as `docker ps` shows it: by name, or by id once the name means another image. */
function imageWord(engine: Engine, record: ContainerRecord): string {
  const named = imageOrNone(engine, record.image);
  return named === undefined || named.id === record.imageId ? record.image : record.imageId;
}

function lowersOf(engine: Engine, record: ContainerRecord): string[] {
  if (imageOrNone(engine, record.imageId) === undefined) return [];
  const { base, lowers } = engine.images.containerRootfs(record.imageId);
  return lowers.map((name) => `${base}/${name}`);
}
