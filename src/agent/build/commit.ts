import { layerItems } from '../container/layer.ts';
import { openFileRoot } from '../files/root.ts';
import { treeItems } from '../files/tree.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Shims } from '../shim/contract.ts';
import type { ImageRecord, ImageStore } from '../store/contract.ts';
import { writeTar } from '../store/tar-writer.ts';
import type { StepKey } from './cache.ts';
import type { BuildConfig } from './run-config.ts';

export interface StepImage {
  readonly key: StepKey;
  readonly config: BuildConfig;
  readonly author: string;
  /** '' where no container made it. */
  readonly containerId: string;
  /** What overlayfs has written; absent: only the config changes. */
  readonly upper?: string;
  readonly platform: { readonly os: string; readonly architecture: string } | undefined;
  readonly signal: AbortSignal;
}

/** The image that a step makes of the one before. */
export async function commitStep(
  parts: { readonly images: ImageStore; readonly shims: Shims; readonly host: HostFacts },
  step: StepImage,
): Promise<ImageRecord> {
  const { key, config, author, containerId, upper, platform, signal } = step;
  const parent = key.parentId === '' ? undefined : key.parentId;
  const about = {
    config,
    container: { id: containerId, config: withHostname(key.config, containerId) },
    author,
    comment: '',
    createdBy: (key.config.Cmd ?? []).join(' '),
    ...(platform && { platform }),
    signal,
  };
  if (!upper) return await parts.images.commit(parent, about);
  const root = await openFileRoot(parts, { kind: 'directory', path: upper, trusted: true }, { signal });
  try {
    const items = treeItems(root, { path: '/', name: undefined });
    const layer = writeTar(layerItems(items));
    return await parts.images.commit(parent, { ...about, layer });
  } finally {
    await root.close();
  }
}

const withHostname = (config: BuildConfig, containerId: string) =>
  containerId === '' ? config : { ...config, Hostname: containerId.slice(0, 12) };
