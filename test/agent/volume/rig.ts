import { readFileSync } from 'node:fs';
import type { EngineEvent } from '../../../src/agent/container/events.ts';
import type { Mount } from '../../../src/protocol/docker.ts';
import type { Rig } from '../container/rig.ts';

/** Mount points of this process's namespace below a directory. */
export function mountedBelow(directory: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((target) => target.startsWith(`${directory}/`));
}

/** Volume events as 'action name', in order. */
export function volumeEvents(rig: Rig): string[] {
  return rig.events.filter(({ type }) => type === 'volume').map(({ action, id }: EngineEvent) => `${action} ${id}`);
}

/** A volume mount of `--mount`. */
export function volumeAt(Target: string, Source: string, more: Partial<Mount> = {}): Mount {
  return { Type: 'volume', Source, Target, ...more };
}

export const tmpfsOptions = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,mode=750' };
