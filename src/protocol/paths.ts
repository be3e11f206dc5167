/** A path for the query of a URL: its bytes, percent-encoded. What stands for a byte that is not UTF-8 becomes that byte. */
export function encodePath(path: string): string {
  return path
    .split(/([\uDC80-\uDCFF])/u)
    .map((part, position) =>
      position % 2 === 0 ? encodeURIComponent(part) : `%${(part.charCodeAt(0) & 0xff).toString(16).toUpperCase()}`,
    )
    .join('');
}

/**
 * Where the agent answers about layers: of an image, its own or that of another engine on the same host, and of a container
 * of its own, which is one layer more on those of its image. Below `/porthole/v1`.
 */
export function imageRoute(image: {
  readonly engine: 'porthole' | 'docker' | 'podman';
  readonly id: string;
  readonly object?: 'container' | 'image' | 'volume';
}): string {
  const { engine, id, object } = image;
  if (object === 'container') return `/containers/${id}`;
  return engine === 'porthole' ? `/images/${id}` : `/engines/${engine}/images/${id}`;
}
