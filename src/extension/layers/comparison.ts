import type { LayerChange, LayerEntry } from '../../protocol/layers.ts';
import { type Source, uriParts } from '../editors/uris.ts';
import type { ObjectRef } from '../fleet.ts';
import { filesUriParts } from '../fs/uris.ts';

export interface Side {
  readonly path: string;
  /** `live`: the file that a container has there now. */
  readonly source: Source | { readonly kind: 'live'; readonly container: ObjectRef };
}

/** An image, for a container with the layers above it: what the engine puts into every container, and the container's own. */
export interface Stacked extends ObjectRef {
  /** `position` of the first of them. */
  readonly own?: { readonly container: ObjectRef; readonly position: number };
}

/** Where in an image: as one layer stores it, or as layers 0..position show it together. */
export interface At {
  readonly position: number;
  readonly from: 'layer' | 'merged';
}

/** A path as it is there; without an entry nothing at all. Links and devices are shown as the text that they are. */
export function sideOf(
  image: Stacked,
  { path, entry }: { readonly path: string; readonly entry: LayerEntry | undefined },
  { position, from }: At,
): Side {
  const shown = `/${path}`;
  if (!entry) return { path: shown, source: { kind: 'text', text: '' } };
  if (entry.type !== 'file') return { path: shown, source: { kind: 'text', text: words(entry) } };
  const { own } = image;
  const isOwn = own !== undefined && position >= own.position;
  if (isOwn && from === 'layer') return { path: shown, source: { kind: 'live', container: own.container } };
  const { size, mtime } = entry;
  return {
    path: shown,
    source: {
      kind: 'file',
      host: image.host,
      engine: image.engine,
      image: image.id,
      position: isOwn ? own.position - 1 : position,
      from,
      path,
      size,
      mtime,
    },
  };
}

/**
 * The two sides of a changed path: what the layers below show, and what this layer makes of it. What is on one side
 * only is compared with nothing.
 *
 * @param position of the layer that made the change, counted from the bottom.
 */
export function sidesOf(image: Stacked, position: number, change: LayerChange): { left: Side; right: Side } {
  const { path, kind, before, after } = change;
  const below = { position: Math.max(0, position - 1), from: 'merged' } as const;
  return {
    left: sideOf(image, { path, entry: kind === 'added' ? undefined : before }, below),
    right: sideOf(image, { path, entry: kind === 'deleted' ? undefined : after }, { position, from: 'layer' }),
  };
}

/** True when both sides hold the same bytes and only the entry's own data differs. */
export const isOnlyMetadata = (change: LayerChange): boolean =>
  change.kind === 'modified' &&
  !(change.differs ?? []).some((aspect) => ['content', 'type', 'link', 'device'].includes(aspect));

export const partsOf = ({ path, source }: Side) =>
  source.kind === 'live'
    ? { query: '', ...filesUriParts({ kind: 'container', ...source.container }, path) }
    : uriParts(path, source);

function words(entry: LayerEntry): string {
  if (entry.type === 'symlink') return `${entry.link ?? ''}\n`;
  if (entry.device) return `${entry.type} device ${entry.device.major}:${entry.device.minor}\n`;
  return `${entry.type}\n`;
}
