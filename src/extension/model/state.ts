import type {
  ContainerView,
  EngineProblem,
  EngineView,
  FleetChange,
  ImageView,
  ObjectRef,
  VolumeView,
} from '../fleet.ts';
import { keyOf } from '../fleet.ts';
import type { EngineKind } from '../hosts/contract.ts';

/** What one host's engines hold. Immutable; what did not change keeps its identity from one state to the next. */
export interface HostContents {
  /** Engines that answer, in a fixed order. */
  readonly engines: readonly EngineView[];
}

export const nothing: HostContents = { engines: [] };

/** What was learned from an engine. */
export type Finding =
  | { readonly kind: 'containers'; readonly engine: EngineKind; readonly list: readonly ContainerView[] }
  | { readonly kind: 'images'; readonly engine: EngineKind; readonly list: readonly ImageView[] }
  | { readonly kind: 'volumes'; readonly engine: EngineKind; readonly list: readonly VolumeView[] }
  /** One container was looked at; `found` is absent when it is gone. */
  | { readonly kind: 'container'; readonly engine: EngineKind; readonly id: string; readonly found?: ContainerView }
  /** A command began or ended in a container. */
  | { readonly kind: 'execs'; readonly engine: EngineKind; readonly id: string }
  /** What an engine that answers does not tell; without `why` it tells that again. */
  | { readonly kind: 'problem'; readonly engine: EngineKind; readonly of: EngineProblem['of']; readonly why?: Error }
  /** The engine does not answer. */
  | { readonly kind: 'absent'; readonly engine: EngineKind };

const ORDER: readonly EngineKind[] = ['porthole', 'docker', 'podman'];

/** The reducer: the next state, and what differs. No change: the same state and an empty list. */
export function learn(state: HostContents, finding: Finding): { state: HostContents; changes: readonly FleetChange[] } {
  const before = state.engines.find((view) => view.engine === finding.engine);
  if (finding.kind === 'absent') {
    if (!before) return { state, changes: [] };
    const engines = state.engines.filter((view) => view !== before);
    return {
      state: { engines },
      changes: [
        ...gone('containers', before.containers),
        ...gone('images', before.images),
        ...gone('volumes', before.volumes),
      ],
    };
  }
  if (finding.kind === 'execs') {
    const container = before?.containers.find(({ id }) => id === finding.id);
    return { state, changes: container ? [{ kind: 'execs', structure: false, keys: [keyOf(container)] }] : [] };
  }
  if (!before && finding.kind === 'problem' && !finding.why) return { state, changes: [] };
  const known = before ?? { engine: finding.engine, containers: [], images: [], volumes: [], problems: [] };
  const { view, changes } = withFinding(known, finding);
  if (before && changes.length === 0) return { state, changes };
  const others = state.engines.filter((one) => one !== before);
  const engines = [...others, view].sort((one, other) => ORDER.indexOf(one.engine) - ORDER.indexOf(other.engine));
  // An engine that appears is a new row, even when it holds nothing yet.
  const appeared = before || changes.some((change) => change.structure);
  return {
    state: { engines },
    changes: appeared ? changes : [{ kind: kindOf(finding), structure: true, keys: [] }],
  };
}

type Contents = Exclude<Finding, { kind: 'absent' | 'execs' }>;

function kindOf({ kind }: Contents): FleetChange['kind'] {
  if (kind === 'problem') return 'problems';
  return kind === 'container' ? 'containers' : kind;
}

function withFinding(view: EngineView, finding: Contents): { view: EngineView; changes: readonly FleetChange[] } {
  switch (finding.kind) {
    case 'containers': {
      const { list, changes } = merge('containers', view.containers, finding.list);
      return { view: { ...view, containers: list }, changes };
    }
    case 'images': {
      const { list, changes } = merge('images', view.images, finding.list);
      return { view: { ...view, images: list }, changes };
    }
    case 'volumes': {
      const { list, changes } = merge('volumes', view.volumes, finding.list);
      return { view: { ...view, volumes: list }, changes };
    }
    case 'container': {
      const { list, changes } = merge('containers', view.containers, replaced(view.containers, finding));
      return { view: { ...view, containers: list }, changes };
    }
    case 'problem':
      return withProblem(view, finding);
  }
}

/** The same words again are no news: whoever asks in vain asks often. */
function withProblem(
  view: EngineView,
  { of, why }: { readonly of: EngineProblem['of']; readonly why?: Error },
): { view: EngineView; changes: readonly FleetChange[] } {
  const before = view.problems.find((problem) => problem.of === of);
  if (before?.why.message === why?.message) return { view, changes: [] };
  const others = view.problems.filter((problem) => problem !== before);
  const problems = why ? [...others, { of, why }] : others;
  return { view: { ...view, problems }, changes: [{ kind: 'problems', structure: false, keys: [] }] };
}

/** A new container comes first: engines list the newest first. */
function replaced(
  list: readonly ContainerView[],
  { id, found }: { readonly id: string; readonly found?: ContainerView },
): readonly ContainerView[] {
  if (!found) return list.filter((one) => one.id !== id);
  return list.some((one) => one.id === id) ? list.map((one) => (one.id === id ? found : one)) : [found, ...list];
}

function merge<T extends ObjectRef>(
  kind: 'containers' | 'images' | 'volumes',
  before: readonly T[],
  now: readonly T[],
): { list: readonly T[]; changes: readonly FleetChange[] } {
  const old = new Map(before.map((one) => [one.id, one]));
  const keys: string[] = [];
  const list = now.map((one) => {
    const known = old.get(one.id);
    // One event tells of one among thousands: the others are what they were.
    if (known && (known === one || same(known, one))) return known;
    keys.push(keyOf(one));
    return one;
  });
  const structure = before.length !== now.length || now.some((one, index) => before[index]?.id !== one.id);
  const present = new Set(now.map((one) => one.id));
  for (const one of before) if (!present.has(one.id)) keys.push(keyOf(one));
  return { list, changes: structure || keys.length > 0 ? [{ kind, structure, keys }] : [] };
}

const gone = (kind: 'containers' | 'images' | 'volumes', list: readonly ObjectRef[]): FleetChange[] => [
  { kind, structure: true, keys: list.map(keyOf) },
];

/** Views are flat, but for lists of words and labels. */
function same(one: object, other: object): boolean {
  const [left, right] = [Object.entries(one), new Map(Object.entries(other))];
  return left.length === right.size && left.every(([key, value]) => sameValue(value, right.get(key)));
}

function sameValue(one: unknown, other: unknown): boolean {
  if (!isObject(one) || !isObject(other)) return one === other;
  if (!Array.isArray(one) || !Array.isArray(other)) return same(one, other);
  return one.length === other.length && one.every((value, index) => value === other[index]);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
