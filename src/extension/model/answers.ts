import type { ContainerInfo, ContainerInspectInfo, ImageInfo, VolumeInspectInfo } from 'dockerode';
import * as v from 'valibot';
import type { ContainerView, ImageView, LiveUsage, VolumeView } from '../fleet.ts';
import type { EngineKind } from '../hosts/contract.ts';

/** What engines answer, turned into what views show. */

/** Where an answer comes from. */
export interface Source {
  readonly host: string;
  readonly engine: EngineKind;
}

export function containerOfList({ host, engine }: Source, info: ContainerInfo): ContainerView {
  const state = stateOf(info.State);
  // The list tells an exit code only in its words: `Exited (137) 3 minutes ago`.
  const exitCode = state === 'exited' || state === 'dead' ? /\((\d+)\)/.exec(info.Status)?.[1] : undefined;
  return {
    host,
    engine,
    id: info.Id,
    name: (info.Names[0] ?? '').replace(/^\//, ''),
    image: info.Image,
    imageId: info.ImageID,
    command: info.Command,
    state,
    volumes: (info.Mounts ?? []).flatMap(({ Type, Name }) => (Type === 'volume' && Name ? [Name] : [])),
    ...(exitCode !== undefined && { exitCode: Number(exitCode) }),
  };
}

/** What only the inspection of an ended container tells: whether it ran out of memory. */
export function withEnd(view: ContainerView, info: ContainerInspectInfo): ContainerView {
  if (view.exitCode === undefined) return view;
  return { ...view, exitCode: info.State.ExitCode, oomKilled: info.State.OOMKilled };
}

export function imageOfList({ host, engine }: Source, info: ImageInfo): ImageView {
  const tags = (info.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>');
  return { host, engine, id: info.Id, tags, size: info.Size, created: info.Created };
}

/** Docker marks the volumes whose names it made up since 24.0; before, 64 hexadecimal digits have to do. */
export function volumeOfList({ host, engine }: Source, info: VolumeInspectInfo): VolumeView {
  const marked = info.Labels !== null && 'com.docker.volume.anonymous' in info.Labels;
  return { host, engine, id: info.Name, driver: info.Driver, anonymous: marked || /^[0-9a-f]{64}$/.test(info.Name) };
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
  | { readonly kind: 'images' }
  | { readonly kind: 'volumes' };

const Event = v.object({ Type: v.string(), Action: v.string(), Actor: v.object({ ID: v.string() }) });

/** Actions after which a container looks different in a list. The others (exec_start, attach, top...) are many. */
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
    return VISIBLE.has(Action) ? { kind: 'container', id: Actor.ID, gone: false } : undefined;
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
