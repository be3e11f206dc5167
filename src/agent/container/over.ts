import { setTimeout as delay } from 'node:timers/promises';
import type { Container, Life } from './container.ts';

/** Milliseconds in which a process that the kernel takes apart is gone: until then only its files say so. */
const patience = 500;

/** True when a life is over or ends in a moment: then that is what a step failed for, whatever it says itself. */
export async function isOver(container: Container, life: Life): Promise<boolean> {
  if (container.life !== life) return true;
  const over = (): boolean => true;
  const late = new AbortController();
  const isStill = delay(patience, false, { signal: late.signal }).catch(() => false);
  try {
    return await Promise.race([life.shim.exited.then(over, over), isStill]);
  } finally {
    late.abort();
  }
}
