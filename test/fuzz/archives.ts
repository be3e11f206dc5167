import { gzipSync } from 'node:zlib';
import { file, type Item, sha256, symlink, tarOf } from '../agent/store/rig.ts';
import { mutateSomewhere } from './mutate.ts';
import type { Json } from './odd.ts';
import type { Random } from './random.ts';
import { mutatedTar } from './tars.ts';

/** An archive that may be an image, and how it is to be taken. */
export interface HostileArchive {
  readonly how: 'load' | 'import';
  readonly data: Buffer;
}

/**
 * Image archives of every format, wrong in one of the places where they can be: in a layer whose digest is right all the same, in a
 * document, in the way they are packed, or in any byte.
 */
export async function hostileArchive(random: Random): Promise<HostileArchive> {
  if (random.chance(0.15)) return { how: 'import', data: packed(random, mutatedTar(random)) };
  const layers: Buffer[] = [];
  for (let count = 1 + random.below(3); count > 0; count--) {
    layers.push(random.chance(0.6) ? await soundTar(random) : mutatedTar(random));
  }
  const make = random.pick([dockerItems, dockerItems, ociItems, oldItems]);
  const items = await make(random, layers);
  const archive = await tarOf(random.chance(0.1) ? [...items, ...items.slice(0, 2)] : items);
  return { how: 'load', data: packed(random, archive) };
}

/** What is odd and allowed: links that lead anywhere, whiteouts, the same name again as something else. */
async function soundTar(random: Random): Promise<Buffer> {
  const names = ['a', 'd', 'd/f', 'l/x', 'l', 'd/deep/er', 'x'.repeat(99), 'é'];
  const items: readonly (() => Item)[] = [
    () => file(random.pick(names), 'x'.repeat(random.below(3_000))),
    () => file(random.pick(['.wh.a', 'd/.wh.f', '.wh..wh..opq', 'd/.wh..wh..opq', '.wh.gone'])),
    () => symlink(random.pick(['l', 'a', 'd/s']), random.pick(['/', '..', '../../..', '/etc/passwd', 'd', 'nowhere'])),
    () => ({
      name: random.pick(['d', 'd/deep', 'new', 'l']),
      type: 'directory',
      mode: 0o1777,
      uid: random.below(70_000),
    }),
    () => ({ name: random.pick(['fifo', 'a']), type: 'fifo' }),
    () => ({ name: 'null', type: 'character-device', devmajor: 1, devminor: 3 }),
  ];
  return await tarOf(Array.from({ length: random.below(9) }, () => random.pick(items)()));
}

/** Compressed, cut, damaged or none of it. */
function packed(random: Random, data: Buffer): Buffer {
  const whole = random.chance(0.2) ? gzipSync(data) : data;
  if (random.chance(0.75) || whole.length === 0) return whole;
  if (random.chance(0.3)) return whole.subarray(0, random.below(whole.length));
  const damaged = Buffer.from(whole);
  for (let count = 1 + random.below(6); count > 0; count--) damaged[random.below(damaged.length)] = random.below(256);
  return damaged;
}

const layerOf = (random: Random, tar: Buffer): Buffer => (random.chance(0.3) ? gzipSync(tar) : tar);

function configOf(layers: readonly Buffer[]): Json {
  return {
    created: '2024-05-06T07:08:09Z',
    ...{ architecture: 'amd64', os: 'linux', author: 'me' },
    config: { Cmd: ['sh'], Env: ['A=1'], Labels: { a: 'b' }, ExposedPorts: { '80/tcp': {} } },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
    history: [{ created_by: 'x', empty_layer: true }, ...layers.map(() => ({ created_by: 'y' }))],
  };
}

/** The document as text, changed somewhere now and then. */
function text(random: Random, document: Json): string {
  const copy = structuredClone(document);
  if (random.chance(0.25)) mutateSomewhere(copy, random);
  const written = JSON.stringify(copy) ?? '';
  return random.chance(0.03) ? written.slice(0, random.below(written.length + 1)) : written;
}

async function dockerItems(random: Random, layers: readonly Buffer[]): Promise<Item[]> {
  const config = text(random, configOf(layers));
  const names = layers.map((_, position) => `${position}/layer.tar`);
  const manifest: Json = [{ Config: 'c.json', RepoTags: ['fuzz:1', 'other/fuzz:2'], Layers: names }];
  return [
    ...layers.map((layer, position) => file(names[position] ?? '', layerOf(random, layer))),
    ...(random.chance(0.1)
      ? [symlink('c.json', random.pick(['/etc/passwd', '../c', 'c.json']))]
      : [file('c.json', config)]),
    file('manifest.json', text(random, manifest)),
  ];
}

async function ociItems(random: Random, layers: readonly Buffer[]): Promise<Item[]> {
  const items: Item[] = [];
  const blob = (mediaType: string, data: Buffer | string): { mediaType: string; digest: string; size: number } => {
    items.push(file(`blobs/sha256/${sha256(data)}`, data));
    return { mediaType, digest: `sha256:${sha256(data)}`, size: Buffer.byteLength(data) };
  };
  const config = blob('application/vnd.oci.image.config.v1+json', text(random, configOf(layers)));
  const parts = layers.map((layer) => blob('application/vnd.oci.image.layer.v1.tar', layerOf(random, layer)));
  const manifest: Json = { schemaVersion: 2, config, layers: parts };
  let top = blob('application/vnd.oci.image.manifest.v1+json', text(random, manifest));
  for (let depth = random.chance(0.3) ? random.below(7) : 0; depth > 0; depth--) {
    top = blob('application/vnd.oci.image.index.v1+json', text(random, { schemaVersion: 2, manifests: [top] }));
  }
  const named = { ...top, annotations: { 'org.opencontainers.image.ref.name': 'fuzz:1' } };
  return [
    ...items,
    file('index.json', text(random, { schemaVersion: 2, manifests: [named] })),
    file('oci-layout', '{}'),
  ];
}

async function oldItems(random: Random, layers: readonly Buffer[]): Promise<Item[]> {
  const ids = layers.map((_, position) => String(position + 1).repeat(64));
  const items = layers.flatMap((layer, position) => {
    const parent = ids[position - 1] ?? '';
    const document: Json = {
      id: ids[position] ?? '',
      ...(parent !== '' && { parent }),
      architecture: 'amd64',
      os: 'linux',
    };
    return [
      file(`${ids[position]}/json`, text(random, document)),
      file(`${ids[position]}/layer.tar`, layerOf(random, layer)),
    ];
  });
  return [...items, file('repositories', text(random, { fuzz: { '1': ids.at(-1) ?? '' } }))];
}
