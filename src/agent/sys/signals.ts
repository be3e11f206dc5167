import { errnoOf } from '../../base/errors.ts';

/** SIGKILL; false when there is no such process (any more). */
export function killProcess(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch (failure) {
    if (errnoOf(failure) === 'ESRCH') return false;
    throw failure;
  }
}
