import type { HistoryEntry } from '../../protocol/history.ts';
import type { UsageMark } from '../../protocol/usage-page.ts';

const markKinds: Readonly<Record<string, UsageMark['kind']>> = {
  'out-of-memory': 'oom',
  started: 'start',
  ended: 'end',
  updated: 'limits',
};

/** The moments of a container's life that explain a curve of its use. Pure. */
export function marksOf(entries: readonly Pick<HistoryEntry, 'event' | 'time'>[]): UsageMark[] {
  return entries.flatMap(({ event, time }) => {
    const kind = markKinds[event];
    return kind ? [{ at: Date.parse(time), kind }] : [];
  });
}
