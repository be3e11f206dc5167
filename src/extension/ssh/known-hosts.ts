import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** One usable line of a known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). */
export interface KnownHost {
  readonly marker?: 'revoked' | 'cert-authority';
  /** Patterns separated by commas, or one hashed name. */
  readonly hosts: string;
  readonly type: string;
  /** The public key as it goes over the wire. */
  readonly key: Buffer;
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

export type Verdict =
  | { readonly kind: 'known' }
  | { readonly kind: 'revoked'; readonly entry: KnownHost }
  | { readonly kind: 'changed'; readonly entry: KnownHost }
  /** `others`: keys of other types that are on record for the host. */
  | { readonly kind: 'unknown'; readonly others: readonly KnownHost[] };

/** Lines that cannot be read are passed over, as OpenSSH does. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  const found: KnownHost[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    const words = line.trim().split(/\s+/);
    if (words[0] === undefined || words[0] === '' || words[0].startsWith('#')) return;
    const marker = words[0].startsWith('@') ? words.shift()?.slice(1) : undefined;
    if (marker !== undefined && marker !== 'revoked' && marker !== 'cert-authority') return;
    const [hosts, type, encoded] = words;
    if (hosts === undefined || type === undefined || encoded === undefined) return;
    const key = Buffer.from(encoded, 'base64');
    if (keyType(key) !== type) return;
    found.push({ hosts, type, key, file, line: index + 1, ...(marker && { marker }) });
  });
  return found;
}

/**
 * @param name `web` or `[web]:2222`, see `hostAndPort`.
 * @param key the server's key as it came over the wire.
 */
export function judge(entries: readonly KnownHost[], name: string, key: Buffer): Verdict {
  const mine = entriesFor(entries, name);
  const revoked = mine.find((entry) => entry.marker === 'revoked' && entry.key.equals(key));
  if (revoked) return { kind: 'revoked', entry: revoked };
  // A certificate authority's key says nothing about plain keys, and ssh2 asks for plain keys only.
  const trusted = mine.filter((entry) => entry.marker === undefined);
  if (trusted.some((entry) => entry.key.equals(key))) return { kind: 'known' };
  const type = keyType(key);
  const changed = trusted.find((entry) => entry.type === type);
  if (changed) return { kind: 'changed', entry: changed };
  return { kind: 'unknown', others: trusted };
}

export function entriesFor(entries: readonly KnownHost[], name: string): KnownHost[] {
  return entries.filter((entry) => matchesHosts(entry.hosts, name));
}

/** @param hosts the first field of a line: patterns with * ? and !, or `|1|salt|hash`. */
export function matchesHosts(hosts: string, name: string): boolean {
  const wanted = name.toLowerCase();
  if (hosts.startsWith('|')) return matchesHash(hosts, wanted);
  let matched = false;
  for (const pattern of hosts.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!');
    if (!matchesPattern(negated ? pattern.slice(1) : pattern, wanted)) continue;
    // A negated match settles it, whatever else the line says.
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** The line that records a key; ends with a line break. */
export function knownHostsLine(name: string, key: Buffer, options: { hash: boolean }): string {
  return `${options.hash ? hashedName(name.toLowerCase()) : name.toLowerCase()} ${keyType(key)} ${key.toString('base64')}\n`;
}

/** `SHA256:` and base64 without padding, as ssh-keygen -l prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type that a public key names itself (RFC 4253 6.6: a length and a string); empty when it is not a key. */
export function keyType(key: Buffer): string {
  if (key.length < 4) return '';
  const length = key.readUInt32BE(0);
  return length > 64 || key.length < 4 + length ? '' : key.toString('latin1', 4, 4 + length);
}

function matchesPattern(pattern: string, name: string): boolean {
  // In `[*]:2222` only * and ? have a meaning; brackets are part of the name.
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(name);
}

function matchesHash(field: string, name: string): boolean {
  const [, version, salt, hash] = field.split('|');
  if (version !== '1' || salt === undefined || hash === undefined) return false;
  const expected = Buffer.from(hash, 'base64');
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function hashedName(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}
