import { PortholeError } from '../../../base/errors.ts';
import type { LayerEntry } from '../../../protocol/layers.ts';
import { entryHeader } from '../../../protocol/porthole.ts';
import type { OpenedFile } from '../../store/contract.ts';
import { badParameter } from '../errors.ts';
import { sendRanged } from '../ranged.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';

const image = '/porthole/v1/images/{name*}';

/** Images as stacks of changesets. */
export const layerRoutes: readonly Route[] = [
  { method: 'GET', path: `${image}/layers/{position}/index`, handler: index },
  { method: 'GET', path: `${image}/layers/{position}/changes`, handler: changes },
  { method: 'GET', path: `${image}/layers/{position}/file`, handler: layerFile },
  { method: 'HEAD', path: `${image}/layers/{position}/file`, handler: layerFile },
  { method: 'GET', path: `${image}/layers`, handler: layers },
  { method: 'GET', path: `${image}/merged/file`, handler: mergedFile },
  { method: 'HEAD', path: `${image}/merged/file`, handler: mergedFile },
  { method: 'GET', path: `${image}/merged`, handler: merged },
];

const noSuchEntry = (path: string) => new PortholeError('not-found', `nothing is visible at ${path}`);

async function layers(call: Call): Promise<Reply> {
  return json(call.engine.images.layers(call.param('name')));
}

async function index(call: Call): Promise<Reply> {
  return json(await call.engine.images.index(call.param('name'), positionOf(call)));
}

async function changes(call: Call): Promise<Reply> {
  return json(await call.engine.images.changes(call.param('name'), positionOf(call)));
}

async function layerFile(call: Call): Promise<Reply> {
  const at = { position: positionOf(call), path: pathOf(call), from: 'layer' as const };
  return sendFile(call, await call.engine.images.openFile(call.param('name'), at));
}

async function mergedFile(call: Call): Promise<Reply> {
  const name = call.param('name');
  const position = wholePosition(call) ?? call.engine.images.layers(name).length - 1;
  return sendFile(call, await call.engine.images.openFile(name, { position, path: pathOf(call), from: 'merged' }));
}

/** The whole tree, or with `path` what lies directly in that directory ('' is the root). */
async function merged(call: Call): Promise<Reply> {
  const { images } = call.engine;
  const name = call.param('name');
  const position = wholePosition(call);
  const entries = await images.merged(name, position);
  if (!call.query.has('path')) return json(entries);
  const directory = normalized(call.query.text('path'));
  if (directory !== '') {
    const entry = await images.lookup(name, directory, position);
    if (entry === undefined) throw noSuchEntry(`/${directory}`);
    if (entry.type !== 'directory') throw badParameter(`/${directory} is not a directory`);
  }
  return json(entries.filter(({ path }) => isDirectlyIn(path, directory)));
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

function pathOf(call: Call): string {
  const path = normalized(call.query.text('path'));
  if (path === '') throw badParameter('the parameter path is missing');
  return path;
}

/** As indexes have it: relative to the root, without slashes around. */
function normalized(path: string): string {
  return path.replace(/^(\.?\/+)+/, '').replace(/\/+$/, '');
}

function isDirectlyIn(path: string, directory: string): boolean {
  if (path === '') return false;
  const slash = path.lastIndexOf('/');
  return (slash < 0 ? '' : path.slice(0, slash)) === directory;
}
