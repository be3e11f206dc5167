import { appendFile, mkdir, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ServerHostKeyAlgorithm } from 'ssh2';
import { KeyedLock } from '../../base/async.ts';
import { messageOf, type PortholeError } from '../../base/errors.ts';
import {
  entriesFor,
  fingerprint,
  judge,
  type KnownHost,
  keyType,
  knownHostsLine,
  parseKnownHosts,
} from './known-hosts.ts';
import { hostKeyChanged, hostKeyDeclined, hostKeyRevoked, hostKeyUnknown } from './problems.ts';
import type { Log, SshPrompts } from './services.ts';
import type { SshSettings } from './settings.ts';
import { hostAndPort } from './target.ts';

/**
 * Signature algorithms by key type, the best first. SHA-1 signatures (`ssh-rsa`) and DSA are left out, as OpenSSH
 * leaves them out since 8.8.
 */
const ALGORITHMS: readonly (readonly [type: string, algorithms: readonly ServerHostKeyAlgorithm[]])[] = [
  ['ssh-ed25519', ['ssh-ed25519']],
  ['ecdsa-sha2-nistp256', ['ecdsa-sha2-nistp256']],
  ['ecdsa-sha2-nistp384', ['ecdsa-sha2-nistp384']],
  ['ecdsa-sha2-nistp521', ['ecdsa-sha2-nistp521']],
  ['ssh-rsa', ['rsa-sha2-512', 'rsa-sha2-256']],
];

/** Checks the keys of servers against known_hosts and records new ones. */
export class HostKeys {
  readonly #log: Log;
  /** Two connections to a new host at once make one question. */
  readonly #questions = new KeyedLock();

  constructor(log: Log) {
    this.#log = log;
  }

  /** What to ask the server for: types on record first, else a new host key type would look like an unknown host. */
  async algorithms(settings: SshSettings): Promise<ServerHostKeyAlgorithm[]> {
    const known = entriesFor(await readAll(settings), recordName(settings)).filter(
      (entry) => entry.marker === undefined,
    );
    const onRecord = ALGORITHMS.filter(([type]) => known.some((entry) => entry.type === type));
    const others = ALGORITHMS.filter((row) => !onRecord.includes(row));
    return [...onRecord, ...others].flatMap(([, algorithms]) => algorithms);
  }

  /** Undefined when the key is trusted, else why not. */
  async check(
    settings: SshSettings,
    key: Buffer,
    { prompts, signal }: { prompts: SshPrompts; signal: AbortSignal },
  ): Promise<PortholeError | undefined> {
    const name = recordName(settings);
    return await this.#questions.run(name, async () => {
      const verdict = judge(await readAll(settings), name, key);
      const offered = { type: keyType(key), fingerprint: fingerprint(key) };
      switch (verdict.kind) {
        case 'known':
          return undefined;
        case 'revoked':
          return hostKeyRevoked(name, onRecord(verdict.entry));
        // Refused whatever StrictHostKeyChecking says: "no" is for keys that nobody has seen.
        case 'changed':
          return hostKeyChanged(name, onRecord(verdict.entry), offered);
        case 'unknown':
          break;
      }
      if (settings.strictHostKeyChecking === 'yes') return hostKeyUnknown(name, offered);
      if (settings.strictHostKeyChecking === 'ask') {
        const knownTypes = [...new Set(verdict.others.map((entry) => entry.type))];
        const question = { host: name, keyType: offered.type, fingerprint: offered.fingerprint, knownTypes };
        if (!(await prompts.confirmHostKey(question, signal))) return hostKeyDeclined(name);
      }
      await this.#record(settings, name, key);
      return undefined;
    });
  }

  async #record(settings: SshSettings, name: string, key: Buffer): Promise<void> {
    const file = settings.userKnownHostsFiles[0];
    if (file === undefined) return;
    try {
      await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
      const line = knownHostsLine(name, key, { hash: settings.hashKnownHosts });
      await appendFile(file, (await endsInLine(file)) ? line : `\n${line}`, { mode: 0o600 });
    } catch (failure) {
      // The user has said yes; that it cannot be kept only means that the question comes back.
      this.#log.warn(`The host key of ${name} cannot be written to ${file}: ${messageOf(failure)}`);
    }
  }
}

/** The name under which a host's keys are kept. */
export function recordName(settings: SshSettings): string {
  // HostKeyAlias stands alone: it exists to share one record between ports and tunnels.
  return settings.hostKeyAlias?.toLowerCase() ?? hostAndPort(settings.hostName.toLowerCase(), settings.port);
}

const onRecord = (entry: KnownHost) => ({
  type: entry.type,
  fingerprint: fingerprint(entry.key),
  file: entry.file,
  line: entry.line,
});

async function readAll(settings: SshSettings): Promise<KnownHost[]> {
  const files = [...settings.userKnownHostsFiles, ...settings.globalKnownHostsFiles];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts.flatMap((text, index) => parseKnownHosts(text, files[index] ?? ''));
}

/** False when the file's last line has no line break, so that a new line would be glued to it. */
async function endsInLine(file: string): Promise<boolean> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, 'r');
  } catch {
    return true;
  }
  try {
    const { size } = await handle.stat();
    if (size === 0) return true;
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0] === 0x0a;
  } finally {
    await handle.close();
  }
}
