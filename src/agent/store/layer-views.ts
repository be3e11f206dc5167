import type { LayerView } from '../../protocol/layers.ts';
import type { StoredImage } from './catalog.ts';
import type { StoredLayer } from './layer-store.ts';

/** The layers of an image with the instructions that made them, bottom first. */
export function layerViews(
  image: Pick<StoredImage, 'id' | 'config' | 'layerSizes'>,
  parts: {
    readonly layers: readonly Omit<StoredLayer, 'version' | 'parent'>[];
    readonly users: ReadonlyMap<string, readonly string[]>;
  },
): LayerView[] {
  const history = (image.config.history ?? []).filter(({ empty_layer }) => !empty_layer);
  return parts.layers.map((layer, position) => {
    const { created, comment, created_by } = history[position] ?? {};
    return {
      position,
      diffId: layer.diffId,
      chainId: layer.chainId,
      instruction: created_by ?? '',
      ...(created === undefined ? {} : { created }),
      ...(comment === undefined ? {} : { comment }),
      size: layer.size,
      blobSize: image.layerSizes[position] ?? 0,
      counts: { entries: layer.entries, whiteouts: layer.whiteouts },
      sharedBy: (parts.users.get(layer.chainId) ?? []).filter((id) => id !== image.id),
    };
  });
}
