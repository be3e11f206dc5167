import { errnoOf } from '../../base/errors.ts';

/** SIGKILL; false when there is no such process (any more). */
export function killProcess(pid: number): boolean {
  return send(pid, 'SIGKILL');
}

/** SIGTERM; false when there is no such process (any more). */
export function endProcess(pid: number): boolean {
  return send(pid, 'SIGTERM');
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (failure) {
    if (errnoOf(failure) === 'ESRCH') return false;
    throw failure;
  }
}
