import { messageOf, PortholeError } from '../../base/errors.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** Host with or without a scheme and a path, as `docker login` got it. */
  readonly registry: string;
}

/** Milliseconds for each request of the conversation. */
const patience = 15_000;
const longestAnswer = 1024 * 1024;

/**
 * Asks a registry whether it knows a user, by the distribution specification's GET /v2/ with Basic or Bearer
 * authentication.
 *
 * @throws unauthorized when the registry says no, unavailable when it cannot be asked.
 */
export async function checkLogin(given: Credentials, signal: AbortSignal): Promise<void> {
  const host = hostOf(given.registry);
  const bases = isLocal(host) ? [`https://${host}`, `http://${host}`] : [`https://${host}`];
  let failure: unknown;
  for (const base of bases) {
    try {
      return await checkAt(`${base}/v2/`, given, signal);
    } catch (thrown) {
      if (thrown instanceof PortholeError) throw thrown;
      // A registry on this machine may speak plain HTTP: the next base is tried.
      failure = thrown;
    }
  }
  const cause = failure instanceof Error && failure.cause !== undefined ? failure.cause : failure;
  throw new PortholeError('unavailable', `Get "${bases.at(-1)}/v2/": ${messageOf(cause)}`, { cause: failure });
}

async function checkAt(url: string, given: Credentials, signal: AbortSignal): Promise<void> {
  const basic = `Basic ${Buffer.from(`${given.username}:${given.password}`).toString('base64')}`;
  const first = await get(url, undefined, signal);
  if (first.status === 200) return;
  const challenge = first.headers.get('www-authenticate') ?? '';
  if (first.status !== 401 || challenge === '') throw refused(url, `unexpected status code ${first.status}`);
  const scheme = challenge.split(' ')[0]?.toLowerCase();
  if (scheme === 'basic') return allowed(url, await get(url, basic, signal));
  if (scheme !== 'bearer') throw refused(url, `the registry asks for ${scheme}, which is not known here`);
  const { realm, service } = parametersOf(challenge);
  if (realm === undefined || !/^https?:\/\//.test(realm)) throw refused(url, 'the registry names no token server');
  // A password must not go in the clear where the registry itself was reached safely.
  if (url.startsWith('https:') && !realm.startsWith('https:')) throw refused(url, 'the token server is not safe');
  const asked = new URL(realm);
  asked.searchParams.set('account', given.username);
  asked.searchParams.set('client_id', 'docker');
  asked.searchParams.set('offline_token', 'true');
  if (service !== undefined) asked.searchParams.set('service', service);
  const answer = await get(asked.href, basic, signal);
  allowed(realm, answer);
  allowed(url, await get(url, `Bearer ${tokenOf(answer.body)}`, signal));
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

async function get(url: string, authorization: string | undefined, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(url, {
    headers: { 'User-Agent': 'porthole', ...(authorization && { Authorization: authorization }) },
    // Credentials do not follow a redirection.
    redirect: authorization === undefined ? 'follow' : 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
  });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > longestAnswer) throw refused(url, `the answer is larger than ${longestAnswer} bytes`);
    parts.push(part);
  }
  return { status: response.status, headers: response.headers, body: Buffer.concat(parts).toString('utf8') };
}

function allowed(url: string, { status }: Answer): void {
  if (status === 200) return;
  if (status === 401 || status === 403) throw refused(url, 'unauthorized: incorrect username or password');
  throw refused(url, `unexpected status code ${status}`);
}

const refused = (url: string, why: string) => new PortholeError('unauthorized', `Get "${url}": ${why}`);

/** Of a header such as `Bearer realm="https://auth.example/token",service="registry"`. */
function parametersOf(challenge: string): { readonly realm?: string; readonly service?: string } {
  const found = [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value] as const);
  return Object.fromEntries(found);
}

function tokenOf(body: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return '';
  }
  const { token, access_token: access } = Object(parsed);
  return typeof token === 'string' ? token : typeof access === 'string' ? access : '';
}

/** Docker Hub's registry has another name than its login. */
function hostOf(registry: string): string {
  const host = registry.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  const isHub = ['', 'docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host);
  if (!isHub && !/^[A-Za-z0-9.\-[\]:]+$/.test(host)) {
    throw new PortholeError('invalid', `unable to parse server address: ${registry}`);
  }
  return isHub ? 'registry-1.docker.io' : host;
}

const isLocal = (host: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
