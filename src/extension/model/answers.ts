import * as v from 'valibot';
import { PortholeError } from '../../base/errors.ts';
import { phrase } from '../../base/phrases.ts';
import { type LiveUsages, LiveUsagesSchema } from '../../protocol/live-usage.ts';
import type { ContainerView, ImageView, LiveUsage, VolumeView } from '../fleet.ts';
import type { EngineKind } from '../hosts/contract.ts';

/** What engines answer, turned into what views show. */

/** Where an answer comes from. */
export interface Source {
  readonly host: string;
  readonly engine: EngineKind;
}

const text = v.fallback(v.string(), '');
const number = v.fallback(v.number(), 0);
const labels = v.fallback(v.nullish(v.record(v.string(), v.string())), {});
/** A row has an id, or it is none; without any of the rest it is a poorer row. */
const id = v.pipe(v.string(), v.minLength(1));
const Mount = v.object({ Type: v.nullish(v.string()), Name: v.nullish(v.string()) });

const Port = v.object({ PublicPort: v.nullish(v.number()), PrivatePort: v.number(), Type: v.nullish(v.string()) });

const ListedContainer = v.object({
  Id: id,
  Names: v.fallback(v.nullish(v.array(v.string())), []),
  Image: text,
  ImageID: text,
  Command: text,
  State: text,
  Status: text,
  Labels: labels,
  Mounts: v.fallback(v.nullish(v.array(Mount)), []),
  Ports: v.fallback(v.nullish(v.array(Port)), []),
  HostConfig: v.fallback(v.nullish(v.object({ NetworkMode: v.nullish(v.string()) })), {}),
  NetworkSettings: v.fallback(v.nullish(v.object({ Networks: v.nullish(v.record(v.string(), v.unknown())) })), {}),
});

/** @throws for what is no container: a lying engine may answer anything */
export function containerOfList({ host, engine }: Source, answer: unknown): ContainerView {
  const info = v.parse(ListedContainer, answer);
  const state = stateOf(info.State);
  // The list tells an exit code only in its words: `Exited (137) 3 minutes ago`, `Restarting (1) 2 seconds ago`.
  const ended = state === 'exited' || state === 'dead' || state === 'restarting';
  const exitCode = ended ? /\((\d+)\)/.exec(info.Status)?.[1] : undefined;
  const health = /\((?:health: )?(starting|healthy|unhealthy)\)/.exec(info.Status)?.[1];
  return {
    host,
    engine,
    id: info.Id,
    name: (info.Names?.[0] ?? '').replace(/^\//, ''),
    image: info.Image,
    imageId: info.ImageID,
    command: info.Command,
    state,
    volumes: (info.Mounts ?? []).flatMap(({ Type, Name }) => (Type === 'volume' && Name ? [Name] : [])),
    ports: portsOf(info),
    networks: networksOf(info),
    labels: info.Labels ?? {},
    ...(exitCode !== undefined && { exitCode: Number(exitCode) }),
    ...((health === 'starting' || health === 'healthy' || health === 'unhealthy') && { health }),
  };
}

/** A port that is published for IPv4 and IPv6 is listed twice. */
function portsOf({ Ports }: v.InferOutput<typeof ListedContainer>): readonly string[] {
  const published = (Ports ?? []).filter(({ PublicPort, Type }) => PublicPort && Type === 'tcp');
  return [...new Set(published.map(({ PublicPort, PrivatePort }) => `${PublicPort}:${PrivatePort}`))].sort();
}

/** A container that shares another's network has none of its own: the list tells only its mode. */
function networksOf({ NetworkSettings, HostConfig }: v.InferOutput<typeof ListedContainer>): readonly string[] {
  const names = Object.keys(NetworkSettings?.Networks ?? {}).sort();
  const mode = HostConfig?.NetworkMode;
  return names.length === 0 && mode?.startsWith('container:') ? [mode] : names;
}

const Ended = v.object({ State: v.object({ ExitCode: v.number(), OOMKilled: v.fallback(v.boolean(), false) }) });

/** What only the inspection of an ended container tells: whether it ran out of memory. */
export function withEnd(view: ContainerView, answer: unknown): ContainerView {
  const info = v.safeParse(Ended, answer);
  if (view.exitCode === undefined || !info.success) return view;
  const { ExitCode, OOMKilled } = info.output.State;
  return { ...view, exitCode: ExitCode, oomKilled: OOMKilled };
}

const ListedImage = v.object({
  Id: id,
  RepoTags: v.fallback(v.nullish(v.array(v.string())), []),
  Size: number,
  Created: number,
  Labels: labels,
});

/** @throws for what is no image */
export function imageOfList({ host, engine }: Source, answer: unknown): ImageView {
  const { Id, RepoTags, Size, Created, Labels } = v.parse(ListedImage, answer);
  const tags = (RepoTags ?? []).filter((tag) => tag !== '<none>:<none>');
  return { host, engine, id: Id, tags, size: Size, created: Created, labels: Labels ?? {} };
}

const ListedVolume = v.object({ Name: id, Driver: text, Labels: labels });

/**
 * Docker marks the volumes whose names it made up since 24.0; before, 64 hexadecimal digits have to do.
 * @throws for what is no volume
 */
export function volumeOfList({ host, engine }: Source, answer: unknown): VolumeView {
  const { Name, Driver, Labels } = v.parse(ListedVolume, answer);
  const marked = 'com.docker.volume.anonymous' in (Labels ?? {});
  return { host, engine, id: Name, driver: Driver, anonymous: marked || /^[0-9a-f]{64}$/.test(Name) };
}

/**
 * A list as an engine answered it: what can be read of it, each object once, and how many entries cannot.
 * @throws internal for what is no list
 */
export function readList<T extends { readonly id: string }>(
  answer: unknown,
  read: (entry: unknown) => T,
): { readonly list: readonly T[]; readonly unreadable: number } {
  if (!Array.isArray(answer)) throw new PortholeError('internal', phrase('It is not a list.'));
  const found = new Map<string, T>();
  let unreadable = 0;
  for (const entry of answer) {
    try {
      const one = read(entry);
      found.set(one.id, one);
    } catch {
      unreadable += 1;
    }
  }
  return { list: [...found.values()], unreadable };
}

function stateOf(word: string): ContainerView['state'] {
  switch (word) {
    case 'created':
    case 'running':
    case 'paused':
    case 'restarting':
    case 'removing':
    case 'exited':
    case 'dead':
      return word;
    // Podman has words of its own.
    case 'configured':
    case 'initialized':
      return 'created';
    case 'stopping':
      return 'running';
    default:
      return 'exited';
  }
}

/** One line of `GET /events`: what it is about. */
export type EngineNews =
  | { readonly kind: 'container'; readonly id: string; readonly gone: boolean }
  | { readonly kind: 'execs'; readonly id: string }
  | { readonly kind: 'images' }
  | { readonly kind: 'volumes' };

const Event = v.object({
  Type: v.string(),
  Action: v.string(),
  Actor: v.object({ ID: v.string(), Attributes: v.fallback(v.nullish(v.record(v.string(), v.unknown())), {}) }),
});

/** Actions after which a container looks different in a list. The others (attach, top, resize...) are many. */
const VISIBLE = new Set([
  'create',
  'start',
  'restart',
  'die',
  'died',
  'oom',
  'stop',
  'pause',
  'unpause',
  'rename',
  'update',
  'init',
  'cleanup',
  // With what it became behind a colon; Podman says it after every check.
  'health_status',
]);

/** Undefined for what changes nothing that is shown, and for what cannot be read. */
export function newsOf(line: string): EngineNews | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(Event, value);
  if (!parsed.success) return undefined;
  const { Type, Action, Actor } = parsed.output;
  if (Type === 'container') {
    if (Action === 'destroy' || Action === 'remove') return { kind: 'container', id: Actor.ID, gone: true };
    const [verb = ''] = Action.split(':');
    if (verb === 'exec_start' || verb === 'exec_die' || verb === 'exec_died') return { kind: 'execs', id: Actor.ID };
    return VISIBLE.has(verb) ? { kind: 'container', id: Actor.ID, gone: false } : undefined;
  }
  if (Type === 'network') {
    const container = Actor.Attributes?.['container'];
    const moves = Action === 'connect' || Action === 'disconnect';
    return moves && typeof container === 'string' ? { kind: 'container', id: container, gone: false } : undefined;
  }
  if (Type === 'volume') return Action === 'mount' || Action === 'unmount' ? undefined : { kind: 'volumes' };
  return Type === 'image' && Action !== 'save' && Action !== 'push' ? { kind: 'images' } : undefined;
}

const Cpu = v.object({
  cpu_usage: v.object({ total_usage: v.number() }),
  system_cpu_usage: v.optional(v.number()),
  online_cpus: v.optional(v.number()),
});
const Stats = v.object({
  cpu_stats: Cpu,
  precpu_stats: Cpu,
  memory_stats: v.object({
    usage: v.optional(v.number()),
    limit: v.optional(v.number()),
    stats: v.optional(v.record(v.string(), v.unknown())),
  }),
});

/** The same figures as `docker stats` prints (docker/cli, stats_helpers). Undefined for the first and for an empty line. */
export function usageOf(line: string): LiveUsage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(Stats, value);
  if (!parsed.success) return undefined;
  const { cpu_stats: now, precpu_stats: before, memory_stats: memory } = parsed.output;
  if (memory.usage === undefined || before.system_cpu_usage === undefined) return undefined;
  const system = (now.system_cpu_usage ?? 0) - before.system_cpu_usage;
  const used = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const cpuPercent = system > 0 && used > 0 ? (used / system) * (now.online_cpus ?? 1) * 100 : 0;
  // File pages that can be dropped at once are no need; cgroup v1 and v2 name them differently.
  const droppable = memory.stats?.['total_inactive_file'] ?? memory.stats?.['inactive_file'];
  const bytes = memory.usage - (typeof droppable === 'number' && droppable < memory.usage ? droppable : 0);
  return { cpuPercent, memory: bytes, ...(memory.limit !== undefined && { memoryLimit: memory.limit }) };
}

/** A line of our agent about all of its containers; empty for one that cannot be read. */
export function usagesOf(line: string): LiveUsages {
  try {
    return v.parse(LiveUsagesSchema, JSON.parse(line));
  } catch {
    return [];
  }
}
