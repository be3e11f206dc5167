import { join } from 'node:path';
import { PortholeError } from '../../base/errors.ts';
import { withoutTag } from '../store/catalog.ts';
import type { ImageStore } from '../store/contract.ts';
import { familiar, familiarName, parseReference, type Reference, withDefaultTag } from '../store/reference.ts';
import { Certificates } from './certificates.ts';
import { CompressedBlobs } from './compressed.ts';
import type {
  Credentials,
  PulledImage,
  PullOptions,
  PushedImage,
  Registry,
  RegistryOptions,
  RemoteImage,
  TransferOptions,
} from './contract.ts';
import { endpointsOf } from './endpoints.ts';
import { RegistryHttp } from './http.ts';
import { inspectRemote } from './inspect.ts';
import { login, loginDomain } from './login.ts';
import { parsePlatform, type WantedPlatform } from './platforms.ts';
import { Progress } from './progress.ts';
import { proxySettings } from './proxy.ts';
import { pullFailure, pullImage, statusLine } from './pull.ts';
import { pushImage } from './push.ts';
import type { Retries } from './retry.ts';
import { Session, withEndpoint } from './session.ts';
import { Slots } from './slots.ts';
import { listTags } from './tags.ts';

export interface RegistryParts {
  /** DATA_ROOT: what the client itself keeps lies below `registry/`. */
  readonly root: string;
  readonly images: ImageStore;
  readonly options: RegistryOptions;
  /** Of the engine. */
  readonly platform: WantedPlatform;
  /** For proxies and SSL_CERT_FILE. */
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds of a second between attempts, for tests that do not wait. */
  readonly second?: number;
  /** Milliseconds of silence after which a server counts as gone. */
  readonly patience?: number;
}

/** Opens the client of a data root. */
export async function openRegistry(parts: RegistryParts): Promise<Registry> {
  const compressed = await CompressedBlobs.open(join(parts.root, 'registry'));
  return new RegistryClient({ ...parts, compressed });
}

class RegistryClient implements Registry {
  readonly #images: ImageStore;
  readonly options: RegistryOptions;
  readonly #platform: WantedPlatform;
  readonly #http: RegistryHttp;
  readonly #compressed: CompressedBlobs;
  readonly #retries: Retries;
  readonly #downloads: Slots;
  readonly #uploads: Slots;

  constructor(parts: RegistryParts & { readonly compressed: CompressedBlobs }) {
    const { options, env, second, patience: silence } = parts;
    this.#images = parts.images;
    this.options = options;
    this.#platform = parts.platform;
    this.#compressed = parts.compressed;
    this.#http = new RegistryHttp({
      certificates: new Certificates(options.certificates, env['SSL_CERT_FILE']),
      proxies: proxySettings(env),
      ...(silence !== undefined && { patience: silence }),
    });
    this.#retries = { attempts: options.maxAttempts, ...(second !== undefined && { second }) };
    this.#downloads = new Slots(options.maxDownloads, 'the transfer');
    this.#uploads = new Slots(options.maxUploads, 'the transfer');
  }

  async pull(name: string, options: PullOptions): Promise<PulledImage> {
    const reference = withDefaultTag(parseReference(name));
    const pulled = await this.#pullOne(reference.digest === undefined ? reference : withoutTag(reference), options);
    new Progress(options.progress).message(statusLine(pulled.name, pulled.isNew));
    return pulled;
  }

  async pullAll(name: string, options: PullOptions): Promise<PulledImage[]> {
    const reference = parseReference(name);
    const pulled: PulledImage[] = [];
    const tags = await this.#reading(reference, options, (session) =>
      listTags(session, { path: reference.path, signal: options.signal }),
    );
    for (const tag of tags) pulled.push(await this.#pullOne({ ...reference, tag }, options));
    const isNew = pulled.some((one) => one.isNew);
    new Progress(options.progress).message(statusLine(familiar(reference), isNew));
    return pulled;
  }

  async push(name: string, options: TransferOptions): Promise<PushedImage[]> {
    const reference = parseReference(name);
    if (reference.digest !== undefined) throw new PortholeError('invalid', 'cannot push a digest reference');
    const progress = new Progress(options.progress);
    progress.message(`The push refers to repository [${reference.domain}/${reference.path}]`);
    const repository = familiarName(reference);
    const here = this.#tagsHere(reference);
    if (here.length === 0) {
      throw new PortholeError('not-found', `An image does not exist locally with the tag: ${repository}`);
    }
    const tags = reference.tag === undefined ? here : [reference.tag];
    const scopes = [`repository:${reference.path}:pull,push`];
    const pushed: PushedImage[] = [];
    await this.#asking(reference.domain, { ...options, scopes, isPush: true }, async (session) => {
      for (const tag of tags) {
        const one = await pushImage(session, {
          reference: { ...reference, tag },
          images: this.#images,
          compressed: this.#compressed,
          slots: this.#uploads,
          retries: this.#retries,
          progress,
          signal: options.signal,
        });
        progress.message(`${tag}: digest: ${one.digest} size: ${one.size}`);
        progress.aux({ Tag: tag, Digest: one.digest, Size: one.size });
        pushed.push(one);
      }
    });
    return pushed;
  }

  async inspect(name: string, options: Omit<TransferOptions, 'progress'>): Promise<RemoteImage> {
    const reference = withDefaultTag(parseReference(name));
    return await this.#reading(reference, options, (session) =>
      inspectRemote(session, { reference, signal: options.signal }),
    );
  }

  async login(
    credentials: Credentials,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<{ identityToken: string }> {
    const domain = loginDomain(credentials.serverAddress ?? '');
    const asked = { auth: credentials, scopes: [], signal, isPush: true };
    return { identityToken: await this.#asking(domain, asked, (session) => login(session, signal)) };
  }

  async #pullOne(reference: Reference, options: PullOptions): Promise<PulledImage> {
    const platform = options.platform ? parsePlatform(options.platform, this.#platform) : this.#platform;
    const task = {
      reference,
      platform,
      images: this.#images,
      slots: this.#downloads,
      retries: this.#retries,
      progress: new Progress(options.progress),
      signal: options.signal,
    };
    return await this.#reading(reference, options, (session) => pullImage(session, task));
  }

  async #reading<T>(
    reference: Reference,
    options: Omit<TransferOptions, 'progress'>,
    task: (session: Session) => Promise<T>,
  ): Promise<T> {
    try {
      const scopes = [`repository:${reference.path}:pull`];
      return await this.#asking(reference.domain, { ...options, scopes, isPush: false }, task);
    } catch (failure) {
      throw pullFailure(failure, reference);
    }
  }

  async #asking<T>(
    domain: string,
    options: Pick<TransferOptions, 'auth' | 'signal'> & {
      readonly scopes: readonly string[];
      readonly isPush: boolean;
    },
    task: (session: Session) => Promise<T>,
  ): Promise<T> {
    const { auth: credentials = {}, scopes, signal, isPush } = options;
    // A mirror only reads, and knows nobody of Docker Hub.
    const endpoints = endpointsOf(domain, { ...this.options, ...(isPush && { mirrors: [] }) });
    const own = endpoints.at(-1)?.host;
    const open = (endpoint: (typeof endpoints)[number]): Session =>
      new Session(this.#http, { endpoint, credentials: endpoint.host === own ? credentials : {}, scopes });
    return await withEndpoint(endpoints, { open, signal }, task);
  }

  #tagsHere({ domain, path }: Reference): string[] {
    const all = this.#images.list().flatMap(({ tags }) => tags.map(parseReference));
    return all.flatMap((one) => (one.domain === domain && one.path === path && one.tag !== undefined ? [one.tag] : []));
  }
}
