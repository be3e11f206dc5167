import type { ContainerReference } from '../../protocol/namespaces.ts';

/** By the shape of the last parts of a cgroup's path, as each engine names them for its two cgroup drivers. */
const shapes: readonly (readonly [engine: ContainerReference['engine'], pattern: RegExp])[] = [
  ['docker', /(?:^|\/)docker[-/]([0-9a-f]{64})(?:\.scope)?(?=\/|$)/],
  ['podman', /(?:^|\/)libpod-([0-9a-f]{64})(?:\.scope)?(?=\/|$)/],
  ['containerd', /(?:^|\/)cri-containerd[-:]([0-9a-f]{64})(?:\.scope)?(?=\/|$)/],
  ['other', /(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?(?=\/|$)/],
];

/**
 * The container that a process belongs to, from the paths of its cgroups.
 *
 * @param own our containers' names by id: an id is ours wherever its cgroup is.
 */
export function containerOf(
  cgroups: ReadonlyMap<string, string>,
  own: ReadonlyMap<string, string>,
): ContainerReference | undefined {
  for (const path of new Set(cgroups.values())) {
    for (const [engine, pattern] of shapes) {
      const id = pattern.exec(path)?.[1];
      if (id === undefined) continue;
      const name = own.get(id);
      return name === undefined ? { engine, id } : { engine: 'porthole', id, name };
    }
  }
  return undefined;
}
