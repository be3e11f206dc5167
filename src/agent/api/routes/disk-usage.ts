import type { Engine } from '../engine.ts';
import { badParameter } from '../errors.ts';
import { imageSummary, isStep, sharedSize } from '../image-json.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';
import { summariesOf } from './containers.ts';
import { volumesInUse } from './volumes.ts';

export const diskUsageRoutes: readonly Route[] = [{ method: 'GET', path: '/system/df', handler: diskUsage }];

const kinds = ['container', 'image', 'volume', 'build-cache'];

/** What everything takes on the disk; since 1.42 of the kinds that are asked for, the others being null. */
async function diskUsage(call: Call): Promise<Reply> {
  const { engine, minor } = call;
  const types = minor < 42 ? [] : call.query.texts('type');
  for (const type of types) if (!kinds.includes(type)) throw badParameter(`unknown object type: ${type}`);
  const asks = (kind: string): boolean => types.length === 0 || types.includes(kind);
  const images = asks('image') ? imagesOf(engine, minor) : undefined;
  return json({
    LayersSize: images?.size ?? 0,
    Images: images?.rows ?? null,
    Containers: asks('container') ? await summariesOf(call, engine.containers.list(), { sizes: true }) : null,
    Volumes: asks('volume') ? await volumesInUse(engine, minor) : null,
    BuildCache: asks('build-cache') ? [] : null,
    ...(minor < 42 && { BuilderSize: 0 }),
  });
}

function imagesOf(engine: Engine, minor: number): { readonly size: number; readonly rows: object[] } {
  const records = engine.containers.list();
  const all = engine.images.list().map((image) => ({ image, layers: engine.images.layers(image.id) }));
  const shown = all.filter(({ image }) => !isStep(image));
  // A layer on the same layers is stored once, whatever the number of its images.
  const stored = new Map(all.flatMap(({ layers }) => layers.map(({ chainId, size }) => [chainId, size])));
  return {
    size: [...stored.values()].reduce((sum, size) => sum + size, 0),
    rows: shown.map(({ image, layers }) => ({
      ...imageSummary(image, {
        minor,
        shared: sharedSize(layers),
      }),
      Containers: records.filter(({ imageId }) => imageId === image.id).length,
    })),
  };
}
