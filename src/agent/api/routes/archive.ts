import { pipeline } from 'node:stream/promises';
import type { PathStatus } from '../../container/contract.ts';
import { badParameter } from '../errors.ts';
import { type Call, empty, type Reply, type Route, sent } from '../route.ts';

const path = '/containers/{id}/archive';

/** Files into and out of containers. */
export const archiveRoutes: readonly Route[] = [
  { method: 'HEAD', path, handler: stat },
  { method: 'GET', path, handler: get },
  { method: 'PUT', path, handler: put },
  { method: 'GET', path: '/containers/{id}/export', handler: exported },
];

async function stat(call: Call): Promise<Reply> {
  const { id, path: at, signal } = asked(call);
  const found = await call.engine.containers.pathStatus(id, { path: at, signal });
  call.response.setHeader(statHeader, encoded(found));
  return empty(200);
}

async function get(call: Call): Promise<Reply> {
  const { id, path: at, signal } = asked(call);
  const { stat: found, stream } = await call.engine.containers.readArchive(id, { path: at, signal });
  call.response.setHeader(statHeader, encoded(found));
  call.response.writeHead(200, { 'Content-Type': 'application/x-tar' });
  await pipeline(stream, call.response, { signal });
  return sent;
}

async function put(call: Call): Promise<Reply> {
  const { id, path: at, signal } = asked(call);
  await call.engine.containers.writeArchive(id, {
    path: at,
    archive: call.upload(),
    keepKinds: call.query.flag('noOverwriteDirNonDir'),
    ownUser: call.query.flag('copyUIDGID'),
    signal,
  });
  return empty(200);
}

async function exported(call: Call): Promise<Reply> {
  const { response, signal } = call;
  const stream = await call.engine.containers.export(call.param('id'), signal);
  response.writeHead(200, { 'Content-Type': 'application/octet-stream' });
  await pipeline(stream, response, { signal });
  return sent;
}

const statHeader = 'X-Docker-Container-Path-Stat';

function asked(call: Call): { id: string; path: string; signal: AbortSignal } {
  const at = call.query.path('path');
  // The words, the missing space included, are dockerd's.
  if (at === '') throw badParameter('bad parameter: pathcannot be empty');
  return { id: call.param('id'), path: at, signal: call.signal };
}

const encoded = (found: PathStatus): string => Buffer.from(JSON.stringify(found)).toString('base64');
