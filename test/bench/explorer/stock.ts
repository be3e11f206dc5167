import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type TarItem, writeTar } from '../../../src/agent/store/tar-writer.ts';
import { busyboxTar } from '../../conformance/engine.ts';
import type { Api } from '../api.ts';
import { document } from '../archives.ts';
import { must, type Places, sideBySide } from '../places.ts';

const containers = 1000;
const images = 300;
/** The newest: they stand at the top. */
const running = 50;

export interface Stock {
  /** Names of containers with their ids, the newest first, as the tree has them. */
  readonly containers: ReadonlyMap<string, string>;
  readonly running: readonly string[];
}

/** A host as full as one gets: a thousand containers, fifty of which run, and three hundred images; for as long as the task takes. */
export async function withStock<T>(
  { ours, signal }: Places,
  dir: string,
  task: (stock: Stock) => Promise<T>,
): Promise<T> {
  const { api } = ours;
  const archive = join(dir, 'stock.tar');
  await pipeline(writeTar(archiveOf(await busyboxTar())), createWriteStream(archive), { signal });
  const ids: string[] = [];
  try {
    await must(ours, ['load', '-q', '-i', archive], 600_000);
    await sideBySide(containers, { width: 8 }, async (index) => {
      signal.throwIfAborted();
      ids[index] = await createNamed(api, `stock-${numbered(index)}`, imageName(index % images));
    });
    await sideBySide(running, { width: 4 }, (index) => api.start(ids[containers - 1 - index] ?? ''));
    const listed: { Id: string; Names: string[] }[] = JSON.parse(await api.call('GET', '/containers/json?all=1'));
    if (listed.length < containers) throw new Error(`${listed.length} containers, not ${containers}`);
    const named = new Map(listed.map(({ Id, Names }) => [(Names[0] ?? '').slice(1), Id]));
    return await task({ containers: named, running: ids.slice(-running) });
  } finally {
    await rm(archive, { force: true });
    // Once the bench is to end, its engine takes everything with it.
    if (!signal.aborted) {
      await sideBySide(ids.length, { width: 16 }, async (index) => {
        if (ids[index] !== undefined) await api.remove(ids[index]);
      });
      await sideBySide(images, { width: 8 }, async (index) => {
        await api.call('DELETE', `/images/${encodeURIComponent(imageName(index))}`);
      });
    }
  }
}

/** A container that sleeps when it is started. @returns its id */
export async function createNamed(api: Api, name: string, image: string): Promise<string> {
  const body = { Image: image, Cmd: ['sleep', '100000'], HostConfig: { NetworkMode: 'none' } };
  const { Id }: { Id: string } = JSON.parse(await api.call('POST', `/containers/create?name=${name}`, body));
  return Id;
}

const numbered = (index: number): string => String(index).padStart(4, '0');
export const imageName = (index: number): string => `stock/image-${numbered(index)}:1`;

/** Three hundred images of one layer. */
async function* archiveOf(layer: Buffer): AsyncGenerator<TarItem> {
  const digest = createHash('sha256').update(layer).digest('hex');
  yield document(`${digest}/layer.tar`, layer);
  const manifest: object[] = [];
  for (let index = 0; index < images; index += 1) {
    const rootfs = { type: 'layers', diff_ids: [`sha256:${digest}`] };
    const config = { Cmd: ['sh'], Labels: { number: String(index) } };
    const name = `config-${index}.json`;
    yield document(name, Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config, rootfs })));
    manifest.push({ Config: name, RepoTags: [imageName(index)], Layers: [`${digest}/layer.tar`] });
  }
  yield document('manifest.json', Buffer.from(JSON.stringify(manifest)));
}
