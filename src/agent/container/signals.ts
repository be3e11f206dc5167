import { constants } from 'node:os';
import { invalid } from './errors.ts';

export const SIGTERM = 15;
export const SIGKILL = 9;
/** Linux's real-time signals as the C library hands them out. */
const realTimeFirst = 34;
export const lastSignal = 64;

/** The number of a signal given as 'TERM', 'SIGTERM', 'RTMIN+3' or '15'. @throws invalid `Invalid signal: X`. */
export function signalNumber(given: string): number {
  const unknown = () => invalid(`Invalid signal: ${given}`);
  if (/^\d+$/.test(given)) {
    const number = Number(given);
    if (number < 1 || number > lastSignal) throw unknown();
    return number;
  }
  const name = given.toUpperCase().replace(/^SIG/, '');
  const realTime = /^(RTMIN|RTMAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime) {
    const base = realTime[1] === 'RTMIN' ? realTimeFirst : lastSignal;
    const number = base + (realTime[2] === '-' ? -1 : 1) * Number(realTime[3] ?? 0);
    if (number < realTimeFirst || number > lastSignal) throw unknown();
    return number;
  }
  const found = Object.entries(constants.signals).find(([each]) => each === `SIG${name}`);
  if (!found) throw unknown();
  return found[1];
}
