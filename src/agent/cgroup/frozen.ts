import type { FileReader } from './file-reader.ts';

/** Undefined: no freezer here, or its root. */
export async function isFrozen({ file, version }: FileReader): Promise<boolean | undefined> {
  if (version === 1) {
    const state = await file('freezer', 'freezer.state');
    return state === undefined ? undefined : state.trim() === 'FROZEN';
  }
  const match = /^frozen ([01])$/m.exec((await file('', 'cgroup.events')) ?? '');
  return match === null ? undefined : match[1] === '1';
}
