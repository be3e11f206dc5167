import type { ObjectRef } from '../fleet.ts';
import type { EngineKind } from '../hosts/contract.ts';

/** What rows of the trees are about. Commands can be called by anyone: what is passed is looked at. Pure. */

/** The refs of the rows that a context menu passed. Commands can be called by anyone: what is passed is looked at. */
export function refsOf(type: 'container' | 'image' | 'volume', item: unknown, items: unknown): ObjectRef[] {
  const rows: readonly unknown[] = Array.isArray(items) && items.length > 0 ? items : [item];
  return rows.map((row) => refOf(type, row)).filter((ref) => ref !== undefined);
}

function refOf(type: 'container' | 'image' | 'volume', row: unknown): ObjectRef | undefined {
  if (typeof row !== 'object' || row === null || !('type' in row) || row.type !== type || !('ref' in row)) {
    return undefined;
  }
  const { ref } = row;
  if (typeof ref !== 'object' || ref === null || !('host' in ref && 'engine' in ref && 'id' in ref)) return undefined;
  const { host, engine, id } = ref;
  if (typeof host !== 'string' || typeof id !== 'string') return undefined;
  if (engine !== 'porthole' && engine !== 'docker' && engine !== 'podman') return undefined;
  return { host, engine, id };
}

export function hostOf(row: unknown): string | undefined {
  if (typeof row !== 'object' || row === null) return undefined;
  if ('hostId' in row && typeof row.hostId === 'string') return row.hostId;
  if ('ref' in row && typeof row.ref === 'object' && row.ref !== null) return hostOf({ ...row.ref, type: 'group' });
  return 'type' in row && row.type === 'group' && 'host' in row && typeof row.host === 'string' ? row.host : undefined;
}

export function engineOfGroup(row: unknown): EngineKind | undefined {
  if (typeof row !== 'object' || row === null || !('engine' in row)) return undefined;
  const { engine } = row;
  return engine === 'porthole' || engine === 'docker' || engine === 'podman' ? engine : undefined;
}
