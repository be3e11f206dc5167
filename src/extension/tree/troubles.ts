import type { ContainerView } from '../fleet.ts';

/** What is wrong with a container and stays so until somebody looks. Pure: no `vscode` here. */
export type Trouble = (typeof troubles)[number];
export const troubles = ['unhealthy', 'out-of-memory', 'restarting', 'dead'] as const;

/** A program that ended with a code of its own is none: that is its way to tell, and many a job's daily one. */
export function troubleOf({ state, health, oomKilled }: ContainerView): Trouble | undefined {
  if (state === 'dead') return 'dead';
  if (oomKilled && (state === 'exited' || state === 'restarting')) return 'out-of-memory';
  if (state === 'restarting') return 'restarting';
  return state === 'running' && health === 'unhealthy' ? 'unhealthy' : undefined;
}
