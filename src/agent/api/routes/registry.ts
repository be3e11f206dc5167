import { AuthBody } from '../../../protocol/docker.ts';
import type { Credentials } from '../../registry/contract.ts';
import { familiar, familiarName, parseReference } from '../../store/reference.ts';
import { readJson } from '../body.ts';
import { announceImage } from '../image-events.ts';
import { imageOrNone } from '../image-lookup.ts';
import { streamProgress } from '../progress-stream.ts';
import { registryAuth } from '../registry-auth.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';

/** What needs a registry. `POST /images/create` leads here from the other ways in which images come. */
export const registryRoutes: readonly Route[] = [
  { method: 'POST', path: '/images/{name*}/push', handler: push },
  { method: 'GET', path: '/distribution/{name*}/json', handler: distribution },
  { method: 'POST', path: '/auth', handler: auth },
];

/** `docker pull`. Without a tag all tags are meant. */
export async function pull(call: Call): Promise<Reply> {
  const { engine, query, signal } = call;
  // 'docker pull -a' of old sends 'name:'.
  const image = query.text('fromImage').replace(/:$/, '');
  const { registry } = engine;
  const name = named(image, query.text('tag'));
  const { tag, digest } = parseReference(name);
  const platform = query.text('platform');
  return await streamProgress(call, async (progress) => {
    const options = { ...authOf(call), ...(platform !== '' && { platform }), progress, signal };
    const isAll = tag === undefined && digest === undefined;
    const pulled = isAll ? await registry.pullAll(name, options) : [await registry.pull(name, options)];
    announce(call, 'pull', name, pulled[0]?.id);
  });
}

async function push(call: Call): Promise<Reply> {
  const { engine, query, signal } = call;
  const name = named(call.param('name'), query.text('tag'));
  parseReference(name);
  return await streamProgress(call, async (progress) => {
    const pushed = await engine.registry.push(name, { ...authOf(call), progress, signal });
    announce(call, 'push', name, pushed[0]?.id);
  });
}

async function distribution(call: Call): Promise<Reply> {
  return json(await call.engine.registry.inspect(call.param('name'), { ...authOf(call), signal: call.signal }));
}

async function auth(call: Call): Promise<Reply> {
  const { username, password, identitytoken, serveraddress } = await readJson(call, AuthBody);
  const credentials: Credentials = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(identitytoken !== undefined && { identityToken: identitytoken }),
    ...(serveraddress !== undefined && { serverAddress: serveraddress }),
  };
  const { identityToken } = await call.engine.registry.login(credentials, { signal: call.signal });
  return json({ Status: 'Login Succeeded', IdentityToken: identityToken });
}

/** A name with the tag or digest that came beside it, which takes the place of one inside it. @throws invalid */
function named(name: string, tagOrDigest: string): string {
  if (tagOrDigest === '') return name;
  const { domain, path } = parseReference(name);
  return `${domain}/${path}${/^[A-Za-z0-9_+.-]+:/.test(tagOrDigest) ? '@' : ':'}${tagOrDigest}`;
}

function authOf(call: Call): { auth?: Credentials } {
  const auth = registryAuth(call.request.headers['x-registry-auth']);
  return auth ? { auth } : {};
}

function announce(call: Call, action: 'pull' | 'push', name: string, id: string | undefined): void {
  const reference = parseReference(name);
  const labels = id === undefined ? undefined : imageOrNone(call.engine, id)?.config.config?.Labels;
  announceImage(call.engine, action, {
    id: familiar(reference),
    name: familiarName(reference),
    ...(labels && { labels }),
  });
}
