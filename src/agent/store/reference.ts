import { PortholeError } from '../../base/errors.ts';
import { invalidReference } from './errors.ts';

/**
 * A name of an image as people write it, taken apart: `[domain/]path[:tag][@digest]`. `docker.io` and its `library/` are
 * implied, so `busybox` is `docker.io/library/busybox`. The grammar is that of the distribution project's `reference`.
 *
 * @example
 * familiar(withDefaultTag(parseReference('busybox')))   // 'busybox:latest'
 * normalized(parseReference('localhost:5000/a/b:v1'))   // 'localhost:5000/a/b:v1'
 */
export interface Reference {
  readonly domain: string;
  readonly path: string;
  readonly tag?: string;
  /** 'sha256:...' */
  readonly digest?: string;
}

const defaultDomain = 'docker.io';
const officialPrefix = 'library/';
const longestName = 255;

const domainLabel = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const domain = new RegExp(`^(?:${domainLabel}(?:\\.${domainLabel})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const path = new RegExp(`^${component}(?:/${component})*$`);
const tag = /^\w[\w.-]{0,127}$/;
const digest = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const sha256Digest = /^sha256:[0-9a-f]{64}$/;
const identifier = /^[0-9a-f]{64}$/;

/** @throws invalid, with the words that Docker's clients expect. */
export function parseReference(text: string): Reference {
  if (identifier.test(text)) {
    throw new PortholeError('invalid', `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const { name, tag: foundTag, digest: foundDigest } = split(text);
  const { host, rest } = splitDomain(name);
  if (rest !== rest.toLowerCase()) throw invalidReference('repository name must be lowercase');
  if (!domain.test(host) || !path.test(rest)) throw invalidReference();
  if (`${host}/${rest}`.length > longestName) {
    throw new PortholeError('invalid', `repository name must not be more than ${longestName} characters`);
  }
  if (foundTag !== undefined && !tag.test(foundTag)) throw invalidReference();
  if (foundDigest !== undefined) checkDigest(foundDigest);
  return {
    domain: host,
    path: rest,
    ...(foundTag === undefined ? {} : { tag: foundTag }),
    ...(foundDigest === undefined ? {} : { digest: foundDigest }),
  };
}

/** A reference without tag and digest means `latest`. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;
}

/** The repository as people write it: without `docker.io/library/`. */
export function familiarName(reference: Reference): string {
  if (reference.domain !== defaultDomain) return `${reference.domain}/${reference.path}`;
  const short = reference.path.startsWith(officialPrefix)
    ? reference.path.slice(officialPrefix.length)
    : reference.path;
  // 'docker.io/library/a/b' is not what 'a/b' means.
  return short.includes('/') ? reference.path : short;
}

/** The reference as people write it. */
export const familiar = (reference: Reference): string => `${familiarName(reference)}${suffix(reference)}`;

/** The reference with nothing implied: the key under which it is kept. */
export const normalized = (reference: Reference): string => `${reference.domain}/${reference.path}${suffix(reference)}`;

/** True for what can only be an image id, whole and with its algorithm: 'sha256:' and 64 hexadecimal digits. */
export const isDigest = (text: string): boolean => sha256Digest.test(text);

function suffix(reference: Reference): string {
  const tagPart = reference.tag === undefined ? '' : `:${reference.tag}`;
  return reference.digest === undefined ? tagPart : `${tagPart}@${reference.digest}`;
}

function split(text: string): { name: string; tag?: string; digest?: string } {
  const at = text.indexOf('@');
  const named = at === -1 ? text : text.slice(0, at);
  const digestPart = at === -1 ? {} : { digest: text.slice(at + 1) };
  const colon = named.lastIndexOf(':');
  // A colon before the last slash belongs to the port of the domain.
  if (colon === -1 || named.indexOf('/', colon) !== -1) return { name: named, ...digestPart };
  return { name: named.slice(0, colon), tag: named.slice(colon + 1), ...digestPart };
}

function splitDomain(name: string): { host: string; rest: string } {
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  const isDomain = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const host = isDomain && first !== 'index.docker.io' ? first : defaultDomain;
  const rest = isDomain ? name.slice(slash + 1) : name;
  return { host, rest: host === defaultDomain && !rest.includes('/') ? `${officialPrefix}${rest}` : rest };
}

function checkDigest(text: string): void {
  if (!digest.test(text)) throw invalidReference();
  if (!sha256Digest.test(text)) throw new PortholeError('invalid', `unsupported digest algorithm or length: ${text}`);
}
