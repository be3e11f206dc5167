import type { LayerChange, LayerEntry } from '../../protocol/layers.ts';
import type { ObjectRef } from '../fleet.ts';
import { type Source, uriParts } from './uris.ts';

export interface Side {
  readonly path: string;
  readonly source: Source;
}

/**
 * The two sides of a changed path: what the layers below show, and what this layer makes of it. What is on one side
 * only is compared with nothing. Links and devices are shown as the text that they are.
 *
 * @param position of the layer that made the change, counted from the bottom.
 */
export function sidesOf(image: ObjectRef, position: number, change: LayerChange): { left: Side; right: Side } {
  const side = (entry: LayerEntry | undefined, from: 'layer' | 'merged', at: number): Side => {
    const path = `/${change.path}`;
    if (!entry) return { path, source: { kind: 'text', text: '' } };
    if (entry.type !== 'file') return { path, source: { kind: 'text', text: words(entry) } };
    return {
      path,
      source: {
        kind: 'file',
        host: image.host,
        image: image.id,
        position: at,
        from,
        path: change.path,
        size: entry.size,
        mtime: entry.mtime,
      },
    };
  };
  return {
    left: side(change.kind === 'added' ? undefined : change.before, 'merged', Math.max(0, position - 1)),
    right: side(change.kind === 'deleted' ? undefined : change.after, 'layer', position),
  };
}

/** True when both sides hold the same bytes and only the entry's own data differs. */
export const isOnlyMetadata = (change: LayerChange): boolean =>
  change.kind === 'modified' &&
  !(change.differs ?? []).some((aspect) => ['content', 'type', 'link', 'device'].includes(aspect));

export const partsOf = (side: Side) => uriParts(side.path, side.source);

function words(entry: LayerEntry): string {
  if (entry.type === 'symlink') return `${entry.link ?? ''}\n`;
  if (entry.device) return `${entry.type} device ${entry.device.major}:${entry.device.minor}\n`;
  return `${entry.type}\n`;
}
