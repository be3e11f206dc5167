import type { ContainerStatus } from './contract.ts';

/** What can happen to a container. Nothing else changes its status. */
export type Move = 'started' | 'paused' | 'unpaused' | 'exited' | 'retrying' | 'gave-up' | 'broke' | 'removing';

/**
 * The state machine as a table: status, then move, gives the next status.
 *
 *   created --started--> running <--paused/unpaused--> paused
 *                          | exited        retrying: the restart policy will start it again
 *                          v
 *   exited --started--> running            broke: what is on disk cannot be run any more
 */
const table: Readonly<Record<ContainerStatus, Readonly<Partial<Record<Move, ContainerStatus>>>>> = {
  created: { started: 'running', removing: 'removing', broke: 'dead' },
  running: { paused: 'paused', exited: 'exited', retrying: 'restarting', broke: 'dead' },
  paused: { unpaused: 'running', exited: 'exited', retrying: 'restarting', broke: 'dead' },
  restarting: { started: 'running', 'gave-up': 'exited', removing: 'removing', broke: 'dead' },
  exited: { started: 'running', removing: 'removing', broke: 'dead' },
  dead: { removing: 'removing' },
  removing: { broke: 'dead' },
};

/** The status after a move; undefined when the move is not possible from there. */
export function after(status: ContainerStatus, move: Move): ContainerStatus | undefined {
  return table[status][move];
}

/** A process exists: pid, cgroup and namespaces can be looked at. */
export function hasProcess(status: ContainerStatus): boolean {
  return status === 'running' || status === 'paused';
}

/** Docker's idea of running: also between two attempts of a restart policy. */
export function isUp(status: ContainerStatus): boolean {
  return hasProcess(status) || status === 'restarting';
}
