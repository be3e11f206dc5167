import { withoutTrailing } from '../../../base/trailing.ts';
import type { LayerEntry } from '../../../protocol/layers.ts';
import { entryHeader, readHeader } from '../../../protocol/porthole.ts';
import { ChangeCollector } from '../../layers/change-directory.ts';
import { type ChangeVisitor, type Tree, walkChanges, walkDifferences } from '../../layers/changes.ts';
import type { LayeredImage, OpenedFile } from '../../layers/contract.ts';
import { keyOf } from '../../layers/keys.ts';
import { walkDirectory, walkMerged } from '../../layers/merged.ts';
import { openVersion } from '../../layers/open-file.ts';
import { indexOf, readIndex } from '../../layers/read-index.ts';
import { versionsOf } from '../../layers/versions.ts';
import { countWaste, walkWaste } from '../../layers/waste.ts';
import { badParameter } from '../errors.ts';
import { sendList } from '../json-list.ts';
import { sendRanged } from '../ranged.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';

/** Finds the image that a call is about, and gives it back when the call has been answered. */
export type WithImage = (call: Call, answer: (image: LayeredImage) => Promise<Reply>) => Promise<Reply>;

type Answer = (image: LayeredImage, call: Call) => Promise<Reply>;

/** Questions about an image, below its path. Lists are sorted as indexes are. */
const questions: readonly (Pick<Route, 'method' | 'path'> & { readonly answer: Answer })[] = [
  { method: 'GET', path: '/layers/{position}/index', answer: index },
  { method: 'GET', path: '/layers/{position}/changes/directory', answer: changesOfDirectory },
  { method: 'GET', path: '/layers/{position}/changes', answer: changes },
  { method: 'GET', path: '/layers/{position}/file', answer: layerFile },
  { method: 'HEAD', path: '/layers/{position}/file', answer: layerFile },
  { method: 'GET', path: '/layers', answer: async ({ layers }) => json(layers) },
  { method: 'GET', path: '/merged/file', answer: mergedFile },
  { method: 'HEAD', path: '/merged/file', answer: mergedFile },
  { method: 'GET', path: '/merged', answer: merged },
  { method: 'GET', path: '/versions', answer: versions },
  { method: 'GET', path: '/waste/files', answer: wastedFiles },
  { method: 'GET', path: '/waste', answer: waste },
];

/** @param base path of one image */
export function layerRoutesOf(base: string, withImage: WithImage): readonly Route[] {
  return questions.map(({ method, path, answer }) => ({
    method,
    path: `${base}${path}`,
    handler: (call) => withImage(call, (image) => answer(image, call)),
  }));
}

/** Images as stacks of changesets. */
export const layerRoutes: readonly Route[] = [
  ...layerRoutesOf('/porthole/v1/images/{name*}', async (call, answer) =>
    answer(call.engine.images.layered(call.param('name'))),
  ),
  ...layerRoutesOf('/porthole/v1/containers/{id}', (call, answer) => withContainer(call, call.param('id'), answer)),
  ...layerRoutesOf('/porthole/v1/engines/{engine}/images/{name*}', (call, answer) =>
    call.engine.engines.withImage(call.param('engine'), { name: call.param('name'), signal: call.signal }, answer),
  ),
  {
    method: 'GET',
    path: '/porthole/v1/engines',
    handler: async (call) => json(await call.engine.engines.list(call.signal)),
  },
  { method: 'GET', path: '/porthole/v1/compare/directory', handler: (call) => withTrees(call, compareDirectory) },
  { method: 'GET', path: '/porthole/v1/compare', handler: (call) => withTrees(call, compare) },
];

interface Trees {
  readonly left: Tree;
  readonly right: Tree;
}

/** What `right` has otherwise than `left`; with `path` what lies at and below it. */
async function compare(call: Call, trees: Trees): Promise<Reply> {
  const part = { path: normalized(call.query.path('path')), signal: call.signal };
  return await sendList(call, (list) => walkDifferences(trees, part, (change) => list.change(change)));
}

async function compareDirectory(call: Call, trees: Trees): Promise<Reply> {
  return await sendDirectory(call, (path, visit) => walkDifferences(trees, { path, signal: call.signal }, visit));
}

/** The images or containers that the query names. */
async function withTrees(call: Call, answer: (call: Call, trees: Trees) => Promise<Reply>): Promise<Reply> {
  return await withSide(call, 'left', (left) =>
    withSide(call, 'right', (right) => answer(call, { left: { image: left }, right: { image: right } })),
  );
}

async function withSide(call: Call, side: 'left' | 'right', answer: (image: LayeredImage) => Promise<Reply>) {
  const [name, container] = [call.query.text(side), call.query.text(`${side}Container`)];
  const engine = call.query.text(`${side}Engine`);
  if (name !== '' && container !== '') throw badParameter(`${side} and ${side}Container exclude each other`);
  if (container !== '') {
    if (engine !== '') throw badParameter(`${side}Engine is for images: containers are our own`);
    return await withContainer(call, container, answer);
  }
  if (name === '') {
    throw badParameter(`the parameter ${side} is missing: it names an image, or ${side}Container a container`);
  }
  if (engine !== '') return await call.engine.engines.withImage(engine, { name, signal: call.signal }, answer);
  return await answer(call.engine.images.layered(name));
}

async function withContainer(
  call: Call,
  name: string,
  answer: (image: LayeredImage) => Promise<Reply>,
): Promise<Reply> {
  return await call.engine.containers.withLayers(name, call.signal, ({ image, read }) => {
    // Of two containers both are told, in the order of left and right.
    call.response.appendHeader(readHeader, `${read.from}/${read.to}`);
    return answer(image);
  });
}

async function index(image: LayeredImage, call: Call): Promise<Reply> {
  return json(await readIndex(await indexOf(image, { position: positionOf(call), signal: call.signal })));
}

/** Everything, or with `path` what lies at and below it. */
async function changes(image: LayeredImage, call: Call): Promise<Reply> {
  const { signal } = call;
  const part = { position: positionOf(call), path: normalized(call.query.path('path')), signal };
  return await sendList(call, (list) => walkChanges(image, part, (change) => list.change(change)));
}

async function changesOfDirectory(image: LayeredImage, call: Call): Promise<Reply> {
  const position = positionOf(call);
  return await sendDirectory(call, (path, visit) => walkChanges(image, { position, path, signal: call.signal }, visit));
}

/** Changes as the rows of the directory `path`, in pages of `limit` after the name `after`. */
export async function sendDirectory(
  call: Call,
  walk: (path: string, visit: ChangeVisitor) => Promise<void>,
): Promise<Reply> {
  const path = normalized(call.query.path('path'));
  const { after, limit } = pageOf(call);
  const collector = new ChangeCollector(keyOf(path), { after: keyOf(after), limit });
  await walk(path, (change) => collector.add(change));
  return json(collector.finish());
}

async function layerFile(image: LayeredImage, call: Call): Promise<Reply> {
  const at = { position: positionOf(call), path: pathOf(call), from: 'layer' as const, signal: call.signal };
  return sendFile(call, await openVersion(image, at));
}

async function mergedFile(image: LayeredImage, call: Call): Promise<Reply> {
  const at = { position: wholePosition(call), path: pathOf(call), from: 'merged' as const, signal: call.signal };
  return sendFile(call, await openVersion(image, at));
}

/** The whole tree, or with `path` what lies directly in that directory ('' is the root), in pages. */
async function merged(image: LayeredImage, call: Call): Promise<Reply> {
  const part = { position: wholePosition(call), signal: call.signal };
  if (!call.query.has('path'))
    return await sendList(call, (list) => walkMerged(image, part, (entry) => list.entry(entry)));
  const path = normalized(call.query.path('path'));
  const page = pageOf(call);
  return await sendList(call, (list) => walkDirectory(image, { ...part, path, page }, (entry) => list.entry(entry)));
}

/** What each layer did to one path. */
async function versions(image: LayeredImage, call: Call): Promise<Reply> {
  const part = { position: wholePosition(call), path: pathOf(call), signal: call.signal };
  return json(await versionsOf(image, part));
}

async function waste(image: LayeredImage, call: Call): Promise<Reply> {
  const { limit } = pageOf(call, 100);
  return json(await countWaste(image, { position: wholePosition(call), signal: call.signal }, { limit }));
}

async function wastedFiles(image: LayeredImage, call: Call): Promise<Reply> {
  const part = { position: wholePosition(call), signal: call.signal };
  return await sendList(call, async (list) => {
    await walkWaste(image, part, (file) => list.value(file));
  });
}

function sendFile(call: Call, { size, entry, stream }: OpenedFile): Promise<Reply> {
  const headers = {
    [entryHeader]: encodeEntry(entry),
    ...(entry.digest !== undefined && { ETag: `"${entry.digest}"` }),
  };
  return sendRanged(call, { size, headers, stream });
}

/** Base64, because names may hold any character; without extended attributes, which may be larger than a header may be. */
function encodeEntry({ xattrs: _, ...entry }: LayerEntry): string {
  return Buffer.from(JSON.stringify(entry)).toString('base64');
}

function positionOf(call: Call): number {
  const text = call.param('position');
  if (!/^\d{1,5}$/.test(text)) throw badParameter(`invalid layer position ${JSON.stringify(text)}: 0 is the lowest`);
  return Number(text);
}

function wholePosition(call: Call): number | undefined {
  const position = call.query.whole('position');
  if (position !== undefined && position < 0) throw badParameter('invalid layer position: 0 is the lowest');
  return position;
}

/** More rows than anybody looks at, and few enough to be kept in memory. */
const mostRows = 10_000;

function pageOf(call: Call, usual = mostRows): { readonly after: string; readonly limit: number } {
  const limit = call.query.whole('limit') ?? usual;
  if (limit < 1 || limit > mostRows) throw badParameter(`invalid limit: it is 1 to ${mostRows}`);
  const after = call.query.path('after');
  if (after.includes('/')) throw badParameter('invalid after: it is a name in the directory');
  return { after, limit };
}

function pathOf(call: Call): string {
  const path = normalized(call.query.path('path'));
  if (path === '') throw badParameter('the parameter path is missing');
  return path;
}

/** As indexes have it: relative to the root, without slashes around. */
function normalized(path: string): string {
  if (path.includes('\0')) throw badParameter('invalid path: it has a NUL');
  return withoutTrailing(path.replace(/^(\.?\/)+/, ''), '/');
}
