import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { canceled, messageOf, PortholeError } from '../../base/errors.ts';
import { type Phrase, phrase } from '../../base/phrases.ts';
import type { AgentFile, Cpu } from './agent-files.ts';

/** Where the Node binary comes from that is brought to hosts without one. Asked only when a host needs it. */
export interface NodeRuntimeSource {
  /** For example `24.21.0`. */
  readonly version: string;
  fetch(cpu: Cpu, options: { signal: AbortSignal; progress: (step: Phrase) => void }): Promise<AgentFile>;
}

export interface NodeRelease {
  readonly version: string;
  /** Subresource integrity of the npm package `node-linux-CPU`, as the registry gives it. */
  readonly integrity: Readonly<Record<Cpu, string>>;
}

/** The release that is brought. Integrity as of the registry's metadata for these two packages. */
export const NODE_RELEASE: NodeRelease = {
  version: '24.21.0',
  integrity: {
    x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
    arm64: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
};

const fetchFailed = (version: string, why: string | Phrase, cause?: unknown) =>
  new PortholeError('unavailable', phrase('Node {0} could not be downloaded: {1}', version, why), { cause });

/** Takes the Node binary out of the npm package that holds it, checks it, and keeps it in the extension's storage. */
export class NpmNodeRuntime implements NodeRuntimeSource {
  readonly version: string;
  readonly #storage: string;
  readonly #registry: string;
  readonly #release: NodeRelease;

  /** @param options.registry an npm registry; the packages are checked against `release`, wherever they come from */
  constructor(options: { storage: string; registry?: string; release?: NodeRelease }) {
    this.#storage = options.storage;
    this.#registry = (options.registry ?? 'https://registry.npmjs.org').replace(/\/$/, '');
    this.#release = options.release ?? NODE_RELEASE;
    this.version = this.#release.version;
  }

  async fetch(
    cpu: Cpu,
    { signal, progress }: { signal: AbortSignal; progress: (step: Phrase) => void },
  ): Promise<AgentFile> {
    const file = path.join(this.#storage, `node-${this.version}-linux-${cpu}`);
    if (!(await stat(file).catch(() => undefined))) await this.#download(cpu, file, { signal, progress });
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash, { signal });
    return { name: 'node', path: file, size: (await stat(file)).size, sha256: hash.digest('hex') };
  }

  async #download(
    cpu: Cpu,
    file: string,
    { signal, progress }: { signal: AbortSignal; progress: (step: Phrase) => void },
  ): Promise<void> {
    await mkdir(this.#storage, { recursive: true });
    const temporary = await mkdtemp(path.join(this.#storage, '.download-'));
    try {
      const name = `node-linux-${cpu}`;
      const response = await fetch(`${this.#registry}/${name}/-/${name}-${this.version}.tgz`, { signal });
      if (!response.ok || !response.body) throw fetchFailed(this.version, phrase('HTTP status {0}', response.status));
      const archive = path.join(temporary, 'archive');
      const total = Number(response.headers.get('content-length') ?? 0);
      const hash = createHash('sha512');
      await pipeline(
        Readable.fromWeb(response.body),
        counted((bytes) => {
          if (total > 0)
            progress(phrase('Downloading Node {0} ({1} %)', this.version, Math.floor((bytes * 100) / total)));
        }, hash),
        createWriteStream(archive),
        { signal },
      );
      const integrity = `sha512-${hash.digest('base64')}`;
      if (integrity !== this.#release.integrity[cpu]) {
        throw fetchFailed(this.version, phrase('the package is not the one that was published ({0}).', integrity));
      }
      const binary = path.join(temporary, 'node');
      await takeOut(archive, 'package/bin/node', binary, signal);
      await chmod(binary, 0o755);
      await rename(binary, file);
    } catch (failure) {
      if (signal.aborted) throw canceled('The download of Node');
      throw failure instanceof PortholeError ? failure : fetchFailed(this.version, reason(failure), failure);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }
}

/** `fetch` says only "fetch failed"; the reason is its cause. */
const reason = (failure: unknown): string =>
  failure instanceof Error && failure.cause ? messageOf(failure.cause) : messageOf(failure);

/** Passes bytes on, adds them to a hash, and tells their number after each whole megabyte. */
function counted(tell: (bytes: number) => void, hash?: ReturnType<typeof createHash>): Transform {
  let bytes = 0;
  let told = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash?.update(chunk);
      bytes += chunk.length;
      if (bytes - told >= 1 << 20) {
        told = bytes;
        tell(bytes);
      }
      done(null, chunk);
    },
  });
}

async function takeOut(archive: string, name: string, to: string, signal: AbortSignal): Promise<void> {
  const entries = extract();
  let found = false;
  entries.on('entry', (header, content, next) => {
    if (header.name !== name) {
      content.resume().once('end', next);
      return;
    }
    found = true;
    pipeline(content, createWriteStream(to), { signal }).then(
      () => next(),
      (failure: unknown) => entries.destroy(failure instanceof Error ? failure : new Error(messageOf(failure))),
    );
  });
  await pipeline(createReadStream(archive), createGunzip(), entries, { signal });
  if (!found) throw new Error(`the package holds no ${name}`);
}
