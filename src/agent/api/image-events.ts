import type { Engine } from './engine.ts';

/** Tells the world what happened to an image, in dockerd's words: the labels of the image are attributes too. */
export function announceImage(
  engine: Engine,
  action: 'load' | 'save' | 'pull' | 'push' | 'import' | 'tag' | 'untag' | 'delete',
  image: { readonly id: string; readonly name: string; readonly labels?: Readonly<Record<string, string>> },
): void {
  engine.events.announce({
    type: 'image',
    action,
    id: image.id,
    attributes: { ...image.labels, name: image.name },
  });
}
