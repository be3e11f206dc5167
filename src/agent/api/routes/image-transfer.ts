import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../../base/errors.ts';
import { familiar, parseReference, withDefaultTag } from '../../store/reference.ts';
import { badParameter, notThereYet } from '../errors.ts';
import { announceImage } from '../image-events.ts';
import { type Call, type Reply, type Route, sent } from '../route.ts';
import { referenceOf } from './images.ts';
import { pull } from './registry.ts';

/** Ways in which images come and go. */
export const imageTransferRoutes: readonly Route[] = [
  { method: 'POST', path: '/images/load', handler: load },
  { method: 'POST', path: '/images/create', handler: create },
  { method: 'GET', path: '/images/get', handler: save },
  { method: 'GET', path: '/images/{name*}/get', handler: saveOne },
];

async function load(call: Call): Promise<Reply> {
  const { engine, response, signal } = call;
  const lines: object[] = [];
  try {
    for (const { id, tags } of await engine.images.load(call.upload(), { signal })) {
      lines.push(...tags.map((tag) => ({ stream: `Loaded image: ${tag}\n` })));
      if (tags.length === 0) lines.push({ stream: `Loaded image ID: ${id}\n` });
      announceImage(engine, 'load', { id, name: id });
    }
  } catch (failure) {
    if (signal.aborted) throw failure;
    // dockerd tells a failed load inside a stream whose status is 200, and its clients look for it there.
    const message = messageOf(failure);
    lines.push({ errorDetail: { message }, error: message });
  }
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(''));
  return sent;
}

/** `docker import` and `docker pull`. */
async function create(call: Call): Promise<Reply> {
  const { engine, query, response, signal } = call;
  const source = query.text('fromSrc');
  if (query.text('fromImage') !== '') return pull(call);
  if (source === '') throw badParameter('one of fromImage and fromSrc is needed');
  if (source !== '-') throw notThereYet(`Importing from the address ${source} (send the archive: fromSrc=-)`);
  const reference = referenceOf(query.text('repo'), query.text('tag'));
  const platform = platformOf(query.text('platform'));
  const { id } = await engine.images.importTar(call.upload(), {
    ...(reference !== '' && { reference }),
    message: query.text('message') || 'Imported from -',
    changes: query.texts('changes'),
    ...(platform && { platform }),
    signal,
  });
  if (reference !== '') {
    announceImage(engine, 'tag', { id, name: familiar(withDefaultTag(parseReference(reference))) });
  }
  announceImage(engine, 'import', { id, name: id });
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(`${JSON.stringify({ status: id })}\r\n`);
  return sent;
}

async function save(call: Call): Promise<Reply> {
  return send(call, call.query.texts('names'));
}

async function saveOne(call: Call): Promise<Reply> {
  return send(call, [call.param('name')]);
}

async function send(call: Call, names: readonly string[]): Promise<Reply> {
  const { engine, response, signal } = call;
  const { ids, stream } = await engine.images.save(names);
  response.writeHead(200, { 'Content-Type': 'application/x-tar' });
  for (const id of ids) announceImage(engine, 'save', { id, name: id });
  await pipeline(stream, response, { signal });
  return sent;
}

function platformOf(text: string): { os: string; architecture: string } | undefined {
  if (text === '') return undefined;
  const [os = '', architecture = ''] = text.split('/');
  if (os !== 'linux' || architecture === '')
    throw badParameter(`invalid platform ${JSON.stringify(text)}: linux/CPU is expected`);
  return { os, architecture };
}
