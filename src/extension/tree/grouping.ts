import type { ContainerView, EngineView } from '../fleet.ts';
import type { EngineKind } from '../hosts/contract.ts';

/**
 * By what containers are put together. `auto`: by host and engine as soon as there is more than one engine. Pure: no
 * `vscode` here.
 */
export type Grouping =
  | { readonly by: 'auto' | 'none' | 'host' | 'engine' | 'project' | 'state' | 'network' }
  | { readonly by: 'label'; readonly label: string };

export const plainGroupings = ['auto', 'host', 'engine', 'project', 'state', 'network', 'none'] as const;

/** The label that Compose puts on what it makes. */
export const projectLabel = 'com.docker.compose.project';

/** Containers that belong together. */
export interface Bucket {
  /** Stable, and no other's. */
  readonly key: string;
  /** What they have in common; empty: that they have none of it. */
  readonly value: string;
  /** Where they are, when they are all in one place. */
  readonly host?: string;
  readonly engine?: EngineKind;
  readonly containers: readonly ContainerView[];
}

/** Engines by the host that they are on. */
export interface HostEngines {
  readonly host: { readonly id: string };
  readonly engines: readonly EngineView[];
}

const states: readonly string[] = ['running', 'paused', 'restarting', 'created', 'exited', 'dead', 'removing'];

/**
 * @param options.fits which containers are to be shown
 * @returns undefined: one list without groups. Only places (hosts, engines) are there without a container in them.
 */
export function bucketsOf(
  hosts: readonly HostEngines[],
  { grouping, fits }: { grouping: Grouping; fits: (container: ContainerView) => boolean },
): readonly Bucket[] | undefined {
  const places = hosts.flatMap(({ host, engines }) => engines.map((view) => ({ host: host.id, view })));
  if (grouping.by === 'none' || (grouping.by === 'auto' && places.length <= 1)) return undefined;
  const found = new Map<string, { -readonly [K in keyof Bucket]: Bucket[K] } & { containers: ContainerView[] }>();
  for (const { host, view } of places) {
    if (isByPlace(grouping)) bucketAt(found, placeOf(grouping, { host, engine: view.engine }));
    for (const container of view.containers) {
      if (fits(container)) bucketAt(found, placed(grouping, container)).containers.push(container);
    }
  }
  const all = [...found.values()];
  return isByPlace(grouping) ? all : all.sort((one, other) => compared(grouping, one.value, other.value));
}

type Head = Omit<Bucket, 'containers'>;

function bucketAt<B extends Head & { containers: ContainerView[] }>(
  found: Map<string, B | (Head & { containers: ContainerView[] })>,
  head: Head,
): { containers: ContainerView[] } {
  const known = found.get(head.key) ?? { ...head, containers: [] };
  found.set(head.key, known);
  return known;
}

const isByPlace = ({ by }: Grouping): boolean => by === 'auto' || by === 'host' || by === 'engine';

function placeOf({ by }: Grouping, { host, engine }: { host: string; engine: EngineKind }): Head {
  if (by === 'host') return { key: `host/${host}`, value: host, host };
  if (by === 'engine') return { key: `engine/${engine}`, value: engine, engine };
  return { key: `${host}/${engine}`, value: host, host, engine };
}

function placed(grouping: Grouping, container: ContainerView): Head {
  const { host, engine, labels, networks, state } = container;
  switch (grouping.by) {
    // Of two hosts' projects and networks of one name, each is its own.
    case 'project':
      return within('project', container, labels[projectLabel] ?? '');
    case 'network':
      return within('network', container, networks.join(', '));
    case 'label': {
      const value = labels[grouping.label] ?? '';
      return { key: `label/${grouping.label}=${value}`, value };
    }
    case 'state':
      return { key: `state/${state}`, value: state };
    default:
      return placeOf(grouping, { host, engine });
  }
}

function within(kind: string, { host, engine }: ContainerView, value: string): Head {
  if (value === '') return { key: `${kind}/`, value };
  return { key: `${kind}/${host}/${engine}/${value}`, value, host, engine };
}

/** What has none of it comes last. */
function compared({ by }: Grouping, one: string, other: string): number {
  if (by === 'state') return states.indexOf(one) - states.indexOf(other);
  if (one === '' || other === '') return Number(one === '') - Number(other === '');
  return one.localeCompare(other);
}

/** Every label that a container has, the most common first. */
export function labelsIn(hosts: readonly HostEngines[]): readonly { readonly label: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const { engines } of hosts) {
    for (const { containers } of engines) {
      for (const { labels } of containers) {
        for (const label of Object.keys(labels)) counts.set(label, (counts.get(label) ?? 0) + 1);
      }
    }
  }
  return [...counts]
    .map(([label, count]) => ({ label, count }))
    .sort((one, other) => other.count - one.count || one.label.localeCompare(other.label));
}

/** What was remembered, if it is a grouping. */
export function groupingOf(value: unknown): Grouping | undefined {
  if (typeof value !== 'object' || value === null || !('by' in value)) return undefined;
  if (value.by === 'label') {
    return 'label' in value && typeof value.label === 'string' ? { by: 'label', label: value.label } : undefined;
  }
  const by = plainGroupings.find((one) => one === value.by);
  return by && { by };
}
