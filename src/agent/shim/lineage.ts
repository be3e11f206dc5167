import type { Shims } from './contract.ts';

/** What ioctl_ns(2) tells of one namespace; absent is what the agent's user namespace does not reach. */
export interface Lineage {
  readonly inode: number;
  readonly owner?: number;
  readonly parent?: number;
  readonly uid?: number;
}

const why = 'Only the kernel knows who owns a namespace and where it came from.';
const noUid = 0xffffffff;

/** Lineages by inode, from paths of namespace files; what is gone by now or may not be opened is left out. */
export async function readLineages(shims: Shims, paths: readonly string[]): Promise<ReadonlyMap<number, Lineage>> {
  const found = new Map<number, Lineage>();
  if (paths.length === 0) return found;
  const executor = shims.execute();
  try {
    const results = await executor.run({ operations: paths.map((path) => ({ op: 'lineage', path, why })) });
    await executor.close();
    for (const { data } of results) {
      const lineage = data === undefined ? undefined : parse(data);
      if (lineage !== undefined && lineage.inode > 0) found.set(lineage.inode, lineage);
    }
    return found;
  } catch (failure) {
    executor.abort();
    throw failure;
  }
}

function parse(data: Buffer): Lineage {
  const [inode, owner, parent] = [0, 8, 16].map((at) => Number(data.readBigUInt64LE(at)));
  const uid = data.readUInt32LE(24);
  return {
    inode: inode ?? 0,
    ...(owner && { owner }),
    ...(parent && { parent }),
    ...(uid !== noUid && { uid }),
  };
}
