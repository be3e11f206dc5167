import { type Plan, steps } from '../plan/operations.ts';
import type { StoredRecord } from './record.ts';

/** What a plan's shim reads after the end, by operation id: the exit record holds the data under these ids. */
export function afterReads(plan: Plan): StoredRecord['after'] {
  return steps(plan).flatMap(({ id, list, operation }) =>
    list === 'after' && operation.op === 'read' ? [{ id, path: operation.path }] : [],
  );
}
