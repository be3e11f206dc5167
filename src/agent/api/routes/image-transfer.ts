import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, PortholeError } from '../../../base/errors.ts';
import type { ProgressLine } from '../../registry/contract.ts';
import { Counter, Progress, shortId } from '../../registry/progress.ts';
import type { LoadOptions } from '../../store/contract.ts';
import { familiar, parseReference, withDefaultTag } from '../../store/reference.ts';
import { badParameter } from '../errors.ts';
import { announceImage } from '../image-events.ts';
import { streamProgress } from '../progress-stream.ts';
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
  const write = (line: object): unknown => response.write(`${JSON.stringify(line)}\r\n`);
  response.writeHead(200, { 'Content-Type': 'application/json' });
  const quiet = call.query.flag('quiet');
  try {
    const options = quiet ? { signal } : { signal, onLayer: layerTeller(write) };
    for (const { id, tags, moved } of await engine.images.load(call.upload(), options)) {
      for (const { tag, from } of moved) {
        write({ stream: `The image ${tag} already exists, renaming the old one with ID ${from} to empty string\n` });
      }
      for (const tag of tags) write({ stream: `Loaded image: ${tag}\n` });
      if (tags.length === 0) write({ stream: `Loaded image ID: ${id}\n` });
      announceImage(engine, 'load', { id, name: id });
    }
  } catch (failure) {
    if (signal.aborted) throw failure;
    // dockerd tells a failed load inside a stream whose status is 200, and its clients look for it there.
    const message = messageOf(failure);
    write({ errorDetail: { message }, error: message });
  }
  response.end();
  return sent;
}

/** Tells of each layer now and then, and when it is through. */
function layerTeller(write: (line: object) => void): NonNullable<LoadOptions['onLayer']> {
  const progress = new Progress(write);
  const counters = new Map<string, Counter>();
  return ({ diffId, read: current, size: total }) => {
    const tell = (bytes: number) => progress.count(shortId(diffId), 'Loading layer', { current: bytes, total });
    const counter = counters.get(diffId) ?? new Counter(tell);
    counters.set(diffId, counter);
    if (current === total) tell(current);
    else counter.at(current);
  };
}

/** `docker import` and `docker pull`. */
async function create(call: Call): Promise<Reply> {
  const { query } = call;
  if (query.text('fromImage') !== '') return pull(call);
  const source = query.text('fromSrc');
  if (source === '') throw badParameter('one of fromImage and fromSrc is needed');
  return await streamProgress(call, async (tell) => {
    const { archive, from } = source === '-' ? { archive: call.upload(), from: '-' } : await download(call, tell);
    tell({ status: await importArchive(call, archive, from) });
  });
}

/** @returns the id of the image */
async function importArchive(call: Call, archive: Readable, from: string): Promise<string> {
  const { engine, query, signal } = call;
  const reference = referenceOf(query.text('repo'), query.text('tag'));
  const platform = platformOf(query.text('platform'));
  const { id } = await engine.images.importTar(archive, {
    ...(reference !== '' && { reference }),
    message: query.text('message') || `Imported from ${from}`,
    changes: query.texts('changes'),
    ...(platform && { platform }),
    signal,
  });
  if (reference !== '') {
    announceImage(engine, 'tag', { id, name: familiar(withDefaultTag(parseReference(reference))) });
  }
  announceImage(engine, 'import', { id, name: id });
  return id;
}

/** What an address gives, as dockerd fetches it: http where nothing else is said. */
async function download(
  { query, signal }: Call,
  tell: (line: ProgressLine) => void,
): Promise<{ readonly archive: Readable; readonly from: string }> {
  const from = query.text('fromSrc').includes('://') ? query.text('fromSrc') : `http://${query.text('fromSrc')}`;
  if (!URL.canParse(from)) throw badParameter(`${JSON.stringify(from)} is no address`);
  if (!/^https?:/.test(from)) throw badParameter(`unsupported protocol scheme in ${JSON.stringify(from)}`);
  const answer = await fetch(from, { signal }).catch((failure: unknown) => {
    throw new PortholeError('unavailable', `failed to GET ${from}: ${messageOf(causeOf(failure))}`, { cause: failure });
  });
  if (!answer.ok || !answer.body) {
    await answer.body?.cancel();
    throw new PortholeError('unavailable', `failed to GET ${from} with status ${answer.status} ${answer.statusText}`);
  }
  const total = Number(answer.headers.get('content-length') ?? 0);
  const progress = new Progress(tell);
  progress.message(`Downloading from ${from}`);
  let current = 0;
  const counter = new Counter((bytes) => progress.count('', 'Importing', { current: bytes, total }));
  const counted = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      current += chunk.length;
      counter.at(current);
      yield chunk;
    }
  };
  return { archive: Readable.from(counted(answer.body), { objectMode: false }), from };
}

/** fetch says 'fetch failed' and why in the cause. */
const causeOf = (failure: unknown): unknown =>
  failure instanceof Error && failure.cause !== undefined ? failure.cause : failure;

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
