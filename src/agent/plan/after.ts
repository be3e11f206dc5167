import { type Plan, steps } from './operations.ts';

/** What the kernel counted over a container's whole life, from the `after` list's readings. */
export interface EndReading {
  /** How many processes the kernel killed for lack of memory. */
  readonly oomKills: number;
  /** Bytes; undefined when this kernel does not keep it. */
  readonly memoryPeak?: number;
  /** Forks that the pids limit refused. */
  readonly pidsRefused: number;
}

/** @param results of the exit record, by operation id of the plan. */
export function endReading(
  plan: Plan,
  results: readonly { readonly id: number; readonly data?: Uint8Array }[],
): EndReading {
  return endReadingByPath((path) => {
    const step = steps(plan).find(
      ({ list, operation }) => list === 'after' && operation.op === 'read' && operation.path.endsWith(`/${path}`),
    );
    return results.find((one) => one.id === step?.id)?.data;
  });
}

function endReadingByPath(read: (file: string) => Uint8Array | undefined): EndReading {
  const textOf = (file: string): string => String.fromCharCode(...(read(file) ?? []));
  const peak = Number.parseInt(textOf('memory.max_usage_in_bytes') || textOf('memory.peak'), 10);
  return {
    oomKills: field(textOf('memory.oom_control') || textOf('memory.events'), 'oom_kill'),
    ...(Number.isNaN(peak) ? {} : { memoryPeak: peak }),
    pidsRefused: field(textOf('pids.events'), 'max'),
  };
}

/** The number behind a name in a flat-keyed cgroup file, 0 when it is not there. */
function field(content: string, name: string): number {
  const match = new RegExp(`^${name} (\\d+)$`, 'm').exec(content);
  return match === null ? 0 : Number(match[1]);
}
