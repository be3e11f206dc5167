import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Random } from '../../fuzz/random.ts';
import { openAt, sha256, streamOf } from './rig.ts';

/** Does whatever a store can do, again and again and several things at a time, until it is killed; says when one is done. */
async function main([root = '', directory = '', seed = '']: string[]): Promise<void> {
  const random = new Random(Number(seed));
  const store = await openAt(root);
  const signal = new AbortController().signal;
  const read = (name: string) => readFile(join(directory, name));
  const tar = await read('layer.tar');
  const unused = { force: false, usedBy: () => [] };
  const any = (): string | undefined => {
    const all = store.list();
    return all.length > 0 ? random.pick(all).id : undefined;
  };

  const tasks: readonly (() => Promise<unknown>)[] = [
    async () => store.load(streamOf(await read(`image-${random.below(4)}.tar`)), { signal }),
    async () => store.importTar(streamOf(tar), { reference: `imported:${random.below(3)}`, signal }),
    async () => store.tag(any() ?? 'none', `tagged:${random.below(5)}`),
    async () => store.remove(any() ?? 'none', { ...unused, force: true }),
    async () => store.prune({ all: random.chance(0.3), usedBy: () => [], chosen: () => random.chance(0.6) }),
    async () =>
      store.commit(any(), {
        config: { Env: [`N=${random.below(5)}`] },
        ...{ author: '', comment: '', createdBy: '', signal, reference: `made:${random.below(3)}` },
        layer: (async function* () {
          yield tar;
        })(),
      }),
    async () => {
      const [config, blob] = [await read('config.json'), gzipSync(tar)];
      const of = (data: Buffer, mediaType: string) => ({
        mediaType,
        digest: `sha256:${sha256(data)}`,
        size: data.length,
      });
      const layer = of(blob, 'application/vnd.oci.image.layer.v1.tar+gzip');
      const described = of(config, 'application/vnd.oci.image.config.v1+json');
      const data = Buffer.from(JSON.stringify({ schemaVersion: 2, config: described, layers: [layer] }));
      const intake = await store.intake({ doing: 'pull the image', signal });
      try {
        await intake.put(described, () => streamOf(config));
        await intake.put(layer, (from) => streamOf(blob.subarray(from)));
        await intake.unpack({ digest: layer.digest, diffId: `sha256:${sha256(tar)}` });
        const mediaType = 'application/vnd.oci.image.manifest.v1+json';
        await intake.finish({ manifest: { mediaType, data }, references: ['pulled:1'] });
      } finally {
        await intake.close();
      }
    },
  ];

  const lane = async (): Promise<void> => {
    for (;;) {
      // Much of it cannot be done, as another lane has removed what it is about.
      await random
        .pick(tasks)()
        .then(
          () => process.stdout.write('.'),
          () => undefined,
        );
    }
  };
  await Promise.all([lane(), lane(), lane()]);
}

await main(process.argv.slice(2));
