import { readFile } from 'node:fs/promises';
import ssh2, { type ParsedKey, type SigningRequestOptions } from 'ssh2';
import { canceled, errnoOf, messageOf } from '../../base/errors.ts';
import { type Phrase, phrase } from '../../base/phrases.ts';
import { fingerprint } from './known-hosts.ts';
import { PendingSecret } from './pending-secret.ts';
import type { SshServices } from './services.ts';
import type { SshSettings } from './settings.ts';

type Sign = (data: Buffer, hash: string | undefined) => Promise<Buffer>;

/** A key that can be offered: its public half, and how to sign with it. */
interface Identity {
  readonly key: ParsedKey;
  /** For the error message: what was tried. */
  readonly label: Phrase;
  readonly sign: Sign;
}

/**
 * The user's keys, in OpenSSH's order: keys of the agent that are configured, other keys of the agent (unless
 * IdentitiesOnly), then key files. To ssh2 it is an agent: a file's passphrase is asked for only when the server has
 * said that it would take the key.
 */
export class KeyRing extends ssh2.BaseAgent<ParsedKey> {
  readonly #identities: readonly Identity[];
  readonly #offered: Phrase[] = [];
  readonly problems: readonly (Phrase | string)[];

  private constructor(identities: readonly Identity[], problems: readonly (Phrase | string)[]) {
    super();
    this.#identities = identities;
    this.problems = problems;
  }

  static async open(settings: SshSettings, services: SshServices, signal: AbortSignal): Promise<KeyRing> {
    const problems: (Phrase | string)[] = [];
    const files: FileIdentity[] = [];
    for (const file of settings.identityFiles) {
      const identity = await readIdentity(file, services, signal, problems);
      if (identity) files.push(identity);
    }
    const agent = await agentIdentities(settings.identityAgent, problems);
    const same = (one: Identity) => (other: Identity) => one.key.getPublicSSH().equals(other.key.getPublicSSH());
    const configured = agent.filter((one) => files.some(same(one)));
    const others = settings.identitiesOnly ? [] : agent.filter((one) => !configured.includes(one));
    const unheld = files.filter((one) => one.usable && !agent.some(same(one)));
    return new KeyRing([...configured, ...others, ...unheld], problems);
  }

  get isEmpty(): boolean {
    return this.#identities.length === 0;
  }

  /** What the server has been offered so far. */
  get tried(): readonly Phrase[] {
    return this.#offered;
  }

  override getIdentities(done: (error: Error | null | undefined, keys?: ParsedKey[]) => void): void {
    this.#offered.push(...this.#identities.map((identity) => identity.label));
    done(
      null,
      this.#identities.map((identity) => identity.key),
    );
  }

  override sign(key: ParsedKey, data: Buffer, ...rest: readonly unknown[]): void {
    const done = rest.find(isSignCallback);
    const identity = this.#identities.find((one) => one.key === key);
    if (!identity || !done) return;
    identity.sign(data, hashOf(rest[0])).then(
      (signature) => done(null, signature),
      (failure) => done(failure instanceof Error ? failure : new Error(messageOf(failure))),
    );
  }
}

const isSignCallback = (value: unknown): value is (error: Error | null, signature?: Buffer) => void =>
  typeof value === 'function';

function hashOf(options: unknown): string | undefined {
  if (typeof options !== 'object' || options === null || !('hash' in options)) return undefined;
  return typeof options.hash === 'string' ? options.hash : undefined;
}

interface FileIdentity extends Identity {
  /** False for a lone .pub file: the agent holds the private half. */
  readonly usable: boolean;
}

async function readIdentity(
  file: string,
  services: SshServices,
  signal: AbortSignal,
  problems: (Phrase | string)[],
): Promise<FileIdentity | undefined> {
  const [secret, beside] = await Promise.all([readIfThere(file, problems), readIfThere(`${file}.pub`, [])]);
  const pub = parsePublic(beside);
  if (secret === undefined) {
    return pub && { key: pub, label: phrase('key {0}', `${file}.pub`), usable: false, sign: neverSigns };
  }
  const parsed = parse(secret);
  if (!(parsed instanceof Error)) {
    if (!parsed.isPrivateKey()) return { key: parsed, label: phrase('key {0}', file), usable: false, sign: neverSigns };
    return {
      key: parsed,
      label: phrase('key {0}', file),
      usable: true,
      sign: async (data, hash) => signWith(parsed, data, hash),
    };
  }
  if (!/encrypted|passphrase/i.test(parsed.message)) {
    problems.push(`${file}: ${parsed.message}`);
    return undefined;
  }
  const locked = new LockedKey(file, secret, services, signal);
  const key = pub ?? embeddedPublic(secret) ?? (await locked.unlock().catch(() => undefined));
  return (
    key && {
      key,
      label: phrase('key {0} (with passphrase)', file),
      usable: true,
      sign: (data, hash) => locked.sign(data, hash),
    }
  );
}

const neverSigns: Sign = () => Promise.reject(new Error('there is no private key in this file'));

/** A private key file with a passphrase, opened at most once per connection. */
class LockedKey {
  #opened: Promise<ParsedKey> | undefined;
  readonly #file: string;
  readonly #text: Buffer;
  readonly #services: SshServices;
  readonly #signal: AbortSignal;

  constructor(file: string, text: Buffer, services: SshServices, signal: AbortSignal) {
    this.#file = file;
    this.#text = text;
    this.#services = services;
    this.#signal = signal;
  }

  async sign(data: Buffer, hash: string | undefined): Promise<Buffer> {
    return signWith(await this.unlock(), data, hash);
  }

  unlock(): Promise<ParsedKey> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async #open(): Promise<ParsedKey> {
    const pending = new PendingSecret(this.#services, {
      storeAs: `ssh-passphrase:${this.#file}`,
      kind: 'passphrase',
      subject: this.#file,
      prompt: `Passphrase of the key ${this.#file}`,
    });
    // As often as ssh asks.
    for (let attempt = 0; attempt < 3; attempt++) {
      const passphrase = await pending.next(this.#signal);
      if (passphrase === undefined) throw canceled(`The passphrase of ${this.#file}`);
      const parsed = parse(this.#text, passphrase);
      if (!(parsed instanceof Error)) {
        await pending.accepted();
        return parsed;
      }
      await pending.rejected();
    }
    throw new Error(`The passphrase of ${this.#file} was wrong three times`);
  }
}

function signWith(key: ParsedKey, data: Buffer, hash: string | undefined): Buffer {
  const signature: unknown = key.sign(data, hash);
  if (!Buffer.isBuffer(signature)) throw signature instanceof Error ? signature : new Error('the key cannot sign');
  return signature;
}

function parse(text: Buffer, passphrase?: string): ParsedKey | Error {
  const parsed: unknown = ssh2.utils.parseKey(text, passphrase);
  // A file in OpenSSH's format may hold several keys; ssh2 then answers with a list, which its types leave out.
  const first: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  if (first instanceof Error) return first;
  return isParsedKey(first) ? first : new Error('not a key');
}

const isParsedKey = (value: unknown): value is ParsedKey =>
  typeof value === 'object' && value !== null && 'getPublicSSH' in value && 'sign' in value;

function parsePublic(text: Buffer | undefined): ParsedKey | undefined {
  if (text === undefined) return undefined;
  const parsed = parse(text);
  return parsed instanceof Error ? undefined : parsed;
}

/** The public half of a private key file in OpenSSH's own format is not encrypted (openssh PROTOCOL.key). */
function embeddedPublic(text: Buffer): ParsedKey | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(text.toString('latin1'))?.[1];
  if (body === undefined) return undefined;
  const blob = Buffer.from(body, 'base64');
  let at = 'openssh-key-v1\0'.length;
  const next = (): Buffer => {
    const length = blob.readUInt32BE(at);
    const value = blob.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return value;
  };
  try {
    // Cipher, key derivation, its options; then the number of keys.
    for (let skipped = 0; skipped < 3; skipped++) next();
    at += 4;
    const key = next();
    const type = key.toString('latin1', 4, 4 + key.readUInt32BE(0));
    return parsePublic(Buffer.from(`${type} ${key.toString('base64')}`));
  } catch {
    return undefined;
  }
}

async function agentIdentities(socket: string | undefined, problems: (Phrase | string)[]): Promise<Identity[]> {
  if (socket === undefined) return [];
  const agent = ssh2.createAgent(socket);
  return await new Promise((resolve) => {
    agent.getIdentities((error, keys) => {
      if (error) {
        problems.push(phrase('SSH agent at {0}: {1}', socket, error.message));
        resolve([]);
        return;
      }
      resolve(
        (keys ?? []).flatMap((offered: unknown): Identity[] => {
          const key = isParsedKey(offered) ? offered : undefined;
          if (!key) return [];
          const label = phrase('key {0} of the SSH agent', key.comment || fingerprint(key.getPublicSSH()));
          const sign: Sign = (data, hash) =>
            new Promise((resolveSignature, reject) => {
              const options: SigningRequestOptions = hash === 'sha256' || hash === 'sha512' ? { hash } : {};
              agent.sign(key, data, options, (failure, signature) => {
                if (signature) resolveSignature(signature);
                else reject(failure ?? new Error('the SSH agent refused to sign'));
              });
            });
          return [{ key, label, sign }];
        }),
      );
    });
  });
}

async function readIfThere(file: string, problems: (Phrase | string)[]): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (failure) {
    if (errnoOf(failure) !== 'ENOENT' && errnoOf(failure) !== 'ENOTDIR') problems.push(messageOf(failure));
    return undefined;
  }
}
