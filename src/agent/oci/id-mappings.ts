import type { IdMapping, Spec } from './runtime.ts';

/** Which ids of a user namespace are which outside, see user_namespaces(7). */
export interface IdMappings {
  readonly uids: readonly IdMapping[];
  readonly gids: readonly IdMapping[];
}

/** The mappings of a spec that asks for a user namespace, else undefined. */
export function mappingsOf(spec: Spec): IdMappings | undefined {
  if (!spec.linux.namespaces.some(({ type }) => type === 'user')) return undefined;
  return { uids: spec.linux.uidMappings ?? [], gids: spec.linux.gidMappings ?? [] };
}

/** What an id inside is outside; undefined when it is none there. */
export function outsideId(mappings: readonly IdMapping[], id: number): number | undefined {
  const found = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return found && found.hostID + id - found.containerID;
}

/** What an id outside is inside; undefined when it is nobody there. */
export function insideId(mappings: readonly IdMapping[], id: number): number | undefined {
  const found = mappings.find(({ hostID, size }) => id >= hostID && id < hostID + size);
  return found && found.containerID + id - found.hostID;
}

/** The content of /proc/PID/uid_map or gid_map. */
export function mapText(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}

/** The lines of /proc/PID/uid_map or gid_map. */
export function parseMap(text: string): IdMapping[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([containerID, hostID, size]) =>
      containerID === undefined || hostID === undefined || size === undefined ? [] : [{ containerID, hostID, size }],
    );
}
