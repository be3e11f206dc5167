import { ContainerConfig } from '../../../protocol/docker.ts';
import { readOptionalJson } from '../body.ts';
import { badParameter } from '../errors.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';
import { referenceOf } from './images.ts';

export const commitRoutes: readonly Route[] = [{ method: 'POST', path: '/commit', handler: commit }];

async function commit(call: Call): Promise<Reply> {
  const { engine, query, signal } = call;
  const container = query.text('container');
  if (container === '') throw badParameter('invalid name or ID supplied: ""');
  const reference = referenceOf(query.text('repo'), query.text('repo') === '' ? '' : query.text('tag'));
  const config = await readOptionalJson(call, ContainerConfig);
  const id = await engine.containers.commit(container, {
    author: query.text('author'),
    comment: query.text('comment'),
    changes: query.texts('changes'),
    pause: query.flag('pause', true),
    ...(Object.keys(config).length > 0 && { config }),
    ...(reference !== '' && { reference }),
    signal,
  });
  return json({ Id: id }, 201);
}
