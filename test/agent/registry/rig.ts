import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Suite } from 'mocha';
import { openRegistry, type RegistryParts } from '../../../src/agent/registry/client.ts';
import {
  defaultRegistryOptions,
  type ProgressLine,
  type Registry,
  type RegistryOptions,
} from '../../../src/agent/registry/contract.ts';
import type { ImageStore } from '../../../src/agent/store/contract.ts';
import { ownPlatform } from '../../../src/agent/store/disk-store.ts';
import { requires } from '../../support/tools.ts';
import { dockerArchive, file, openAt, streamOf, tarOf } from '../store/rig.ts';

export const signal = new AbortController().signal;

/** An engine's store with a client of registries, on a directory of its own. */
export interface Side {
  readonly root: string;
  readonly images: ImageStore;
  readonly registry: Registry;
  /** What a pull leaves below the data root that can be seen: names of layers and of what is being downloaded. */
  leftovers(): Promise<string[]>;
  /** Bytes that have arrived of a blob that is on its way. */
  arrived(digest: string): Promise<number>;
}

/** Resolves when a condition holds. */
export async function until(holds: () => Promise<boolean>, within = 60_000): Promise<void> {
  const deadline = Date.now() + within;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Opens and removes sides for the tests of a suite. */
export class RegistryRig {
  readonly #roots: string[] = [];

  static for(suite: Suite, programs: readonly string[] = ['docker-registry']): RegistryRig {
    const rig = new RegistryRig();
    suite.timeout(120_000);
    suite.beforeAll(function () {
      requires(this, { root: true, programs });
    });
    suite.afterEach(() => rig.clean());
    return rig;
  }

  async side(options: Partial<RegistryOptions> = {}, parts: Partial<RegistryParts> = {}): Promise<Side> {
    const root = await mkdtemp(join(tmpdir(), 'porthole-side-'));
    this.#roots.push(root);
    return await openSide(root, options, parts);
  }

  async clean(): Promise<void> {
    for (const root of this.#roots.splice(0)) await rm(root, { recursive: true, force: true });
  }
}

export async function openSide(
  root: string,
  options: Partial<RegistryOptions> = {},
  parts: Partial<RegistryParts> = {},
): Promise<Side> {
  const images = await openAt(root);
  const registry = await openRegistry({
    root,
    images,
    options: { ...defaultRegistryOptions, certificates: '/nowhere', ...options },
    platform: ownPlatform(),
    env: {},
    second: 1,
    patience: 20_000,
    ...parts,
  });
  const leftovers = async (): Promise<string[]> => {
    const layers = (await readdir(join(root, 'layers'))).filter((name) => name !== 'empty');
    return [...layers, ...(await readdir(join(root, 'staging')))];
  };
  const arrived = (digest: string): Promise<number> => bytesArrived(root, digest);
  return { root, images, registry, leftovers, arrived };
}

/** Bytes of a blob that have arrived below a data root. */
export async function bytesArrived(root: string, digest: string): Promise<number> {
  const path = join(root, 'downloads', digest.slice('sha256:'.length));
  return await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Bytes that do not compress, so that a blob is as large as its layer. */
export const noise = (size: number): Buffer => randomBytes(size);

/** Loads an image of layers with one file of noise each. @returns its id */
export async function loadNoise(
  { images }: Side,
  { tag, sizes = [300_000, 2_000_000, 700_000] }: { readonly tag: string; readonly sizes?: readonly number[] },
): Promise<string> {
  const layers = await Promise.all(sizes.map((size, at) => tarOf([file(`file-${at}`, noise(size))])));
  const archive = await dockerArchive([{ layers, tags: [tag] }]);
  const [loaded] = await images.load(streamOf(archive), { signal });
  if (!loaded) throw new Error('nothing was loaded');
  return loaded.id;
}

/** Collects progress. */
export function listener(): { readonly lines: ProgressLine[]; readonly progress: (line: ProgressLine) => void } {
  const lines: ProgressLine[] = [];
  return { lines, progress: (line) => lines.push(line) };
}

/** The words of progress lines, without figures: 'ID: Status'. */
export const words = (lines: readonly ProgressLine[]): string[] =>
  lines.flatMap((line) => {
    if (!('status' in line)) return [];
    if ('progressDetail' in line && Object.keys(line.progressDetail).length > 0) return [];
    return [line.id === undefined ? line.status : `${line.id}: ${line.status}`];
  });
