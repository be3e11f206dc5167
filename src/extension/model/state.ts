import type { ContainerView, EngineView, FleetChange, ImageView, ObjectRef, VolumeView } from '../fleet.ts';
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
  const known = before ?? { engine: finding.engine, containers: [], images: [], volumes: [] };
  const { view, changes } = withFinding(known, finding);
  if (before && changes.length === 0) return { state, changes };
  const others = state.engines.filter((one) => one !== before);
  const engines = [...others, view].sort((one, other) => ORDER.indexOf(one.engine) - ORDER.indexOf(other.engine));
  // An engine that appears is a new row, even when it holds nothing yet.
  const appeared = before || changes.some((change) => change.structure);
  return {
    state: { engines },
    changes: appeared
      ? changes
      : [{ kind: finding.kind === 'container' ? 'containers' : finding.kind, structure: true, keys: [] }],
  };
}

function withFinding(
  view: EngineView,
  finding: Exclude<Finding, { kind: 'absent' }>,
): { view: EngineView; changes: readonly FleetChange[] } {
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
  }
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
    if (known && same(known, one)) return known;
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

/** Views are flat, but for lists of words. */
function same(one: object, other: object): boolean {
  const [left, right] = [Object.entries(one), new Map(Object.entries(other))];
  return left.length === right.size && left.every(([key, value]) => sameValue(value, right.get(key)));
}

function sameValue(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other;
  return one.length === other.length && one.every((value, index) => value === other[index]);
}
