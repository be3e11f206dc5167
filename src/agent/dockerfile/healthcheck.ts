import type { Healthcheck } from '../oci/image.ts';
import { atLeastOne, wrong } from './errors.ts';
import { readFlags } from './flags.ts';
import { parseGoDuration, quoted } from './go-text.ts';
import type { DockerfileNode } from './nodes.ts';

const durations = { interval: 'Interval', timeout: 'Timeout', 'start-period': 'StartPeriod' } as const;

/** @throws invalid in dockerd's words */
export function healthcheckOf(node: DockerfileNode): Healthcheck {
  const [kind, ...program] = node.args;
  if (kind === undefined) throw atLeastOne('HEALTHCHECK');
  if (kind.toUpperCase() === 'NONE') {
    if (program.length > 0) throw wrong('HEALTHCHECK NONE takes no arguments');
    return { Test: ['NONE'] };
  }
  const flags = readFlags(node.flags, {
    ...{ interval: 'text', timeout: 'text', 'start-period': 'text', 'start-interval': 'text', retries: 'text' },
  });
  if (kind.toUpperCase() !== 'CMD') throw wrong(`Unknown type ${quoted(kind.toUpperCase())} in HEALTHCHECK (try CMD)`);
  if (program.length === 0) throw wrong('Missing command after HEALTHCHECK CMD');
  const value = (name: string): string => flags.get(name)?.at(0) ?? '';
  const times = Object.entries(durations).map(([name, field]) => [field, nanoseconds(name, value(name))] as const);
  const startInterval = nanoseconds('start-interval', value('start-interval'));
  return {
    Test: [node.isJson ? 'CMD' : 'CMD-SHELL', ...program],
    ...Object.fromEntries(times.filter(([, time]) => time !== 0)),
    ...(startInterval !== 0 && { StartInterval: startInterval }),
    ...retries(value('retries')),
  };
}

function nanoseconds(name: string, text: string): number {
  if (text === '') return 0;
  const found = parseGoDuration(text);
  if (typeof found === 'string') throw wrong(found);
  if (found < 1e6) throw wrong(`Interval ${quoted(name)} cannot be less than 1ms`);
  return found;
}

function retries(text: string): Pick<Healthcheck, 'Retries'> {
  if (text === '') return {};
  if (!/^[+-]?\d+$/.test(text)) throw wrong(`strconv.ParseInt: parsing ${quoted(text)}: invalid syntax`);
  if (Number(text) < 1) throw wrong(`--retries must be at least 1 (not ${Number(text)})`);
  return { Retries: Number(text) };
}
