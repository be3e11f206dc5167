import type { Engine } from './engine.ts';
import { imageOrNone } from './image-lookup.ts';

/** Tells the world what happened to an image, in dockerd's words: the labels of an image that is there are attributes too. */
export function announceImage(
  engine: Engine,
  action: 'load' | 'save' | 'pull' | 'push' | 'import' | 'tag' | 'untag' | 'delete',
  image: { readonly id: string; readonly name: string; readonly labels?: Readonly<Record<string, string>> },
): void {
  const labels = image.labels ?? imageOrNone(engine, image.id)?.config.config?.Labels;
  engine.events.announce({
    type: 'image',
    action,
    id: image.id,
    attributes: { ...labels, name: image.name },
  });
}
