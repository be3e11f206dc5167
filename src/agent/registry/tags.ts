import { patience } from './auth.ts';
import { brokenImage } from './errors.ts';
import type { Session } from './session.ts';

const longestPage = 8 * 1024 * 1024;
const mostPages = 1000;
const mostTags = 20_000;

/** Every tag of a repository, page by page (RFC 5988 links). */
export async function listTags(
  session: Session,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): Promise<string[]> {
  const found = new Set<string>();
  let next: string | undefined = `/v2/${path}/tags/list`;
  for (let pages = 0; next !== undefined; pages++) {
    if (pages >= mostPages || found.size > mostTags) throw brokenImage(`repository ${path} has too many tags`);
    const { body, headers } = await session.document(
      { method: 'GET', path: next, deadline: patience, signal },
      longestPage,
    );
    for (const tag of tagsOf(body, path)) found.add(tag);
    next = nextPage(headers['link'], session);
  }
  return [...found];
}

function tagsOf(body: Buffer, path: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (failure) {
    throw brokenImage(`the list of tags of ${path} is not JSON`, { cause: failure });
  }
  const { tags }: { tags?: unknown } = Object(value);
  if (!Array.isArray(tags)) return [];
  return tags.filter((tag) => typeof tag === 'string' && /^\w[\w.-]{0,127}$/.test(tag));
}

/** Only of the registry itself: our credentials go along. */
function nextPage(link: string | string[] | undefined, { base }: Session): string | undefined {
  const [, target] = /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(link ?? '')) ?? [];
  if (target === undefined) return undefined;
  const url = new URL(target, `${base}/`);
  return url.host === new URL(base).host ? `${url.pathname}${url.search}` : undefined;
}
