import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates, type SecureContextOptions } from 'node:tls';
import { errnoOf } from '../../base/errors.ts';
import { registryFailure } from './errors.ts';

/** Where distributions keep the roots that they trust, in the order in which Go looks. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Roots and client certificates for a registry, read anew for each: an administrator changes them while we run. */
export class Certificates {
  readonly #directory: string;
  readonly #systemBundles: readonly string[];

  /** @param directory as /etc/docker/certs.d. @param own a bundle that takes the system's place (SSL_CERT_FILE). */
  constructor(directory: string, own?: string) {
    this.#directory = directory;
    this.#systemBundles = own ? [own] : systemBundles;
  }

  /** @param host HOST[:PORT]. @throws unavailable for a certificate without its key, or files that cannot be read. */
  async for(host: string): Promise<Pick<SecureContextOptions, 'ca' | 'cert' | 'key'>> {
    const system = await this.#system();
    const directory = join(this.#directory, host);
    const names = await readdir(directory).catch((failure: unknown): string[] => {
      if (errnoOf(failure) === 'ENOENT' || errnoOf(failure) === 'ENOTDIR') return [];
      throw registryFailure(`cannot read ${directory}`, { cause: failure });
    });
    const read = (name: string): Promise<Buffer> => readFile(join(directory, name));
    const roots = await Promise.all(names.filter((name) => name.endsWith('.crt')).map(read));
    const shown = names.filter((name) => name.endsWith('.cert')).sort();
    for (const name of shown) {
      const key = name.replace(/\.cert$/, '.key');
      if (!names.includes(key)) throw registryFailure(`missing key ${key} for client certificate ${name}`);
    }
    return {
      ca: [...system, ...roots],
      ...(shown.length > 0 && {
        cert: await Promise.all(shown.map(read)),
        key: await Promise.all(shown.map((name) => read(name.replace(/\.cert$/, '.key')))),
      }),
    };
  }

  async #system(): Promise<(string | Buffer)[]> {
    for (const path of this.#systemBundles) {
      const bundle = await readFile(path).catch(() => undefined);
      if (bundle) return [bundle];
    }
    return [...rootCertificates];
  }
}
