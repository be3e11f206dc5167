import type {
  ContainerReference,
  NamespaceDifference,
  NamespaceEntry,
  NamespaceKeeper,
  ProcessReference,
  ProcessView,
} from '../../protocol/namespaces.ts';
import type { NamespaceKind } from '../../protocol/usage.ts';
import { namespaceKinds } from '../sys/proc.ts';
import type { SurveyedProcess } from '../sys/process-survey.ts';
import { containerOf } from './container-of.ts';

/** What a survey of the host found; everything here is made of it, nothing is read again. */
export interface Survey {
  /** By pid. */
  readonly processes: readonly SurveyedProcess[];
  /** The agent's own namespaces. */
  readonly host: Readonly<Partial<Record<NamespaceKind, number>>>;
  /** Names of our containers by id. */
  readonly own: ReadonlyMap<string, string>;
  readonly mounts: readonly NamespaceMount[];
  readonly lineages: ReadonlyMap<number, LineageFacts>;
}

export interface NamespaceMount {
  readonly kind: NamespaceKind;
  readonly inode: number;
  readonly path: string;
  /** Inode of the mount namespace in which the path is. */
  readonly namespace: number;
}

export interface LineageFacts {
  readonly owner?: number;
  readonly parent?: number;
  readonly uid?: number;
}

export function processViews(survey: Pick<Survey, 'processes' | 'own'>): ProcessView[] {
  return survey.processes.map((process) => {
    const { pid, command, parent, uid, pids, cgroups, namespaces } = process;
    const container = containerOf(cgroups, survey.own);
    return {
      pid,
      command,
      parent,
      uid,
      pids,
      cgroup: cgroups.get('memory') ?? cgroups.get('') ?? '/',
      ...(namespaces && { namespaces }),
      ...(container && { container }),
    };
  });
}

interface Draft {
  readonly kind: NamespaceKind;
  readonly inode: number;
  readonly members: SurveyedProcess[];
  readonly keptBy: NamespaceKeeper[];
}

/** Every namespace that has a member, a mount, an open file, or a namespace that needs it; by kind, the host's first. */
export function namespaceEntries(survey: Survey): NamespaceEntry[] {
  const drafts = new Map<number, Draft>();
  const draft = (kind: NamespaceKind, inode: number): Draft => {
    const found = drafts.get(inode) ?? { kind, inode, members: [], keptBy: [] };
    drafts.set(inode, found);
    return found;
  };
  const references = new Map(survey.processes.map((process) => [process.pid, referenceOf(process, survey.own)]));
  const referenceTo = (process: SurveyedProcess): ProcessReference =>
    references.get(process.pid) ?? referenceOf(process, survey.own);
  for (const process of survey.processes) {
    for (const kind of namespaceKinds) {
      const inode = process.namespaces?.[kind];
      if (inode !== undefined) draft(kind, inode).members.push(process);
    }
    for (const { fd, kind, inode } of process.descriptors) {
      draft(kind, inode).keptBy.push({ by: 'descriptor', fd, process: referenceTo(process) });
    }
  }
  for (const { kind, inode, path, namespace } of survey.mounts) {
    draft(kind, inode).keptBy.push({ by: 'mount', path, namespace });
  }
  for (const { kind, inode } of [...drafts.values()]) {
    const { owner, parent } = survey.lineages.get(inode) ?? {};
    if (owner !== undefined) draft('user', owner).keptBy.push({ by: 'namespace', kind, inode });
    if (parent !== undefined && parent !== owner) draft(kind, parent).keptBy.push({ by: 'namespace', kind, inode });
  }
  return [...drafts.values()]
    .map((one) => entryOf(one, survey, referenceTo))
    .sort((a, b) => order(a) - order(b) || a.inode - b.inode);
}

const order = (entry: NamespaceEntry): number => namespaceKinds.indexOf(entry.kind) * 2 + (entry.host ? 0 : 1);

function entryOf(
  draft: Draft,
  survey: Survey,
  referenceTo: (process: SurveyedProcess) => ProcessReference,
): NamespaceEntry {
  const { kind, inode, keptBy } = draft;
  const members = draft.members.map(referenceTo);
  const lineage = survey.lineages.get(inode);
  const oldest = draft.members.reduce<SurveyedProcess | undefined>(
    (best, one) => (best === undefined || one.startTicks < best.startTicks ? one : best),
    undefined,
  );
  return {
    kind,
    inode,
    host: survey.host[kind] === inode,
    members,
    ...((lineage?.owner !== undefined || lineage?.uid !== undefined) && {
      owner: {
        ...(lineage.owner !== undefined && { userNamespace: lineage.owner }),
        ...(lineage.uid !== undefined && { uid: lineage.uid }),
      },
    }),
    ...(lineage?.parent !== undefined && { parent: lineage.parent }),
    keptBy,
    containers: distinct(members.flatMap(({ container }) => container ?? [])),
    ...(oldest && { oldest: referenceTo(oldest) }),
  };
}

/**
 * Where a container differs from the host, kind by kind.
 *
 * @param pid the container's initial process.
 */
export function differences(
  survey: Pick<Survey, 'processes' | 'host' | 'own'>,
  container: { readonly id: string; readonly pid: number },
): NamespaceDifference[] {
  const own = survey.processes.find(({ pid }) => pid === container.pid)?.namespaces ?? {};
  return namespaceKinds.flatMap((kind) => {
    const inode = own[kind];
    if (inode === undefined) return [];
    const host = survey.host[kind] === inode;
    const members = host ? [] : survey.processes.filter(({ namespaces }) => namespaces?.[kind] === inode);
    const containers = distinct(members.flatMap(({ cgroups }) => containerOf(cgroups, survey.own) ?? []));
    const sharedWith = containers.filter(({ id }) => id !== container.id);
    const standing = host ? 'host' : sharedWith.length > 0 ? 'shared' : 'own';
    return [{ kind, inode, host, standing, sharedWith, words: wordsOf(standing, sharedWith) }];
  });
}

function wordsOf(standing: NamespaceDifference['standing'], sharedWith: readonly ContainerReference[]): string {
  if (standing === 'own') return 'its own';
  if (standing === 'host') return 'shared with the host';
  const names = sharedWith.map(({ engine, id, name }) => name ?? `${id.slice(0, 12)} (${engine})`);
  return `shared with ${names.length === 1 ? 'container' : 'containers'} ${names.join(', ')}`;
}

function referenceOf(process: SurveyedProcess, own: Survey['own']): ProcessReference {
  const container = containerOf(process.cgroups, own);
  return { pid: process.pid, command: process.command, ...(container && { container }) };
}

function distinct(containers: readonly ContainerReference[]): ContainerReference[] {
  return [...new Map(containers.map((one) => [one.id, one])).values()];
}
