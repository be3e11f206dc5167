import assert from 'node:assert/strict';
import { docker, type Engine } from './engine.ts';
import { normalized } from './normalized.ts';
import type { EventRule } from './scenario.ts';

/** An event as the `docker` command prints it with `{{json .}}`. */
interface DockerEvent {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** Attributes that one engine only gives, and why. */
const ownAttributes: readonly { readonly name: string; readonly why: string }[] = [
  { name: 'execDuration', why: 'Docker gives it with a container’s end since version 23' },
];

/** Events that are not compared, and why. */
const ownEvents: readonly {
  readonly isMeant: (event: DockerEvent, all: readonly DockerEvent[], at: number) => boolean;
  readonly why: string;
}[] = [
  {
    isMeant: ({ Type }) => Type === 'network',
    why: 'networks have their own issue; until then nothing is connected',
  },
  {
    isMeant: ({ Type, Action, Actor: { ID } }, all) =>
      Type === 'container' &&
      Action === 'destroy' &&
      !all.some((other) => other.Actor.ID === ID && other.Action === 'create'),
    why: '20.10 tells the end of containers whose creation it refused, and which never were',
  },
  {
    isMeant: ({ Type, Action, Actor: { ID } }, all, at) =>
      Type === 'volume' &&
      Action === 'create' &&
      all.slice(0, at).findLast((other) => other.Actor.ID === ID && /^(create|destroy)$/.test(other.Action))?.Action ===
        'create',
    why: '20.10 tells once more that a volume is made whenever a container asks for it',
  },
];

/**
 * The events of a time, one line each: type, action, whose, attributes.
 * @param since seconds since the epoch.
 */
export async function eventsOf(engine: Engine, since: string, rule: EventRule): Promise<string[]> {
  const args = ['events', '--since', since, '--until', secondsAt(Date.now()), '--format', '{{json .}}'];
  const { code, stdout, stderr } = await docker(engine, args);
  assert.equal(code, 0, stderr);
  const events = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): DockerEvent => JSON.parse(line))
    .filter((event, at, all) => !ownEvents.some(({ isMeant }) => isMeant(event, all, at)));
  const actors = [...new Set(events.filter(({ Type }) => Type !== 'volume').map(({ Actor }) => Actor.ID))].filter(
    Boolean,
  );
  if (rule.isInterleaved) {
    const nameOf = ({ Actor }: DockerEvent) => Actor.Attributes['name'] ?? kept(Actor.ID);
    events.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));
  }
  const lines = volumesInOrder(events.map((event) => lineOf(event, actors)));
  const text = normalized(lines.join('\n'), engine);
  return (rule.normalize?.(text) ?? text).split('\n').filter((line) => line !== '');
}

/** dockerd goes through a container's volumes in an order of its own each time: those of one moment are sorted. */
function volumesInOrder(lines: readonly string[]): string[] {
  const moment = (line: string | undefined) =>
    /^volume \w+ /.exec(line?.replace(/ [0-9a-f]{64} /, ' DRAWN ') ?? '')?.[0];
  const runs: string[][] = [];
  for (const line of lines) {
    const last = runs.at(-1);
    if (last !== undefined && moment(line) !== undefined && moment(last.at(-1)) === moment(line)) last.push(line);
    else runs.push([line]);
  }
  return runs.flatMap((run) => (run.length > 1 ? run.sort((a, b) => (kept(a) < kept(b) ? -1 : 1)) : run));
}

const kept = (line: string): string => line.replace(/[0-9a-f]{64}/g, 'DRAWN');

/** A container without a name is given one by lot. */
const drawnName = /^name=[a-z]+_[a-z]+\d?$/;

/** Seconds since the epoch with fraction: the command passes them on as they are. */
export const secondsAt = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);

function lineOf({ Type, Action, Actor }: DockerEvent, actors: readonly string[]): string {
  const attributes = Object.entries(Actor.Attributes)
    .filter(([key]) => !ownAttributes.some(({ name }) => name === key))
    .map(([key, value]) => `${key}=${actors.includes(value) ? `#${actors.indexOf(value)}` : value}`)
    .map((attribute) => attribute.replace(drawnName, 'name=DRAWN'))
    .sort();
  const isDrawn = /^[0-9a-f]{64}$/.test(Actor.ID);
  const word = isDrawn && Type !== 'volume' ? `#${actors.indexOf(Actor.ID)}` : Actor.ID;
  return `${Type} ${Action} ${word} ${attributes.join(' ')}`;
}
