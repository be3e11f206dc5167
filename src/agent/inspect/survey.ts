import type { NamespaceKind } from '../../protocol/usage.ts';
import { readMounts, readNamespaces } from '../sys/proc.ts';
import { namespaceOf, type SurveyedProcess, surveyProcesses } from '../sys/process-survey.ts';
import type { LineageFacts, NamespaceMount, Survey } from './namespaces.ts';

/** Asks the kernel for lineages, by inode, from paths of namespace files. */
export type ReadLineages = (paths: readonly string[]) => Promise<ReadonlyMap<number, LineageFacts>>;

/** Processes and the namespaces they are in. */
export async function surveyMembers(
  own: ReadonlyMap<string, string>,
): Promise<Pick<Survey, 'processes' | 'host' | 'own'>> {
  const [processes, host = {}] = await Promise.all([surveyProcesses({ descriptors: false }), readNamespaces('self')]);
  return { processes, host, own };
}

/** Everything that is known of namespaces: about a third of a second on a host with 2,000 processes. */
export async function surveyHost(own: ReadonlyMap<string, string>, readLineages: ReadLineages): Promise<Survey> {
  const [processes, host = {}] = await Promise.all([surveyProcesses({ descriptors: true }), readNamespaces('self')]);
  const mounts = await namespaceMounts(processes, host);
  const lineages = await readLineages([...pathsOf(processes, mounts, host.mnt).values()]);
  return { processes, host, own, mounts, lineages };
}

/** Namespace files that are mounted somewhere, seen through one process of each mount namespace. */
async function namespaceMounts(processes: readonly SurveyedProcess[], host: Survey['host']): Promise<NamespaceMount[]> {
  const viewers = new Map<number, number | 'self'>();
  for (const { pid, namespaces } of processes) {
    if (namespaces?.mnt !== undefined && !viewers.has(namespaces.mnt)) viewers.set(namespaces.mnt, pid);
  }
  if (host.mnt !== undefined) viewers.set(host.mnt, 'self');
  const found: NamespaceMount[] = [];
  for (const [namespace, viewer] of viewers) {
    for (const { type, root, target } of await readMounts(viewer).catch(() => [])) {
      const mounted = type === 'nsfs' ? namespaceOf(root) : undefined;
      if (mounted !== undefined) found.push({ ...mounted, path: target, namespace });
    }
  }
  return found;
}

/** One file of each namespace that can be opened from here. */
function pathsOf(
  processes: readonly SurveyedProcess[],
  mounts: readonly NamespaceMount[],
  ownMounts: number | undefined,
): ReadonlyMap<number, string> {
  const paths = new Map<number, string>();
  for (const { inode, path, namespace } of mounts) if (namespace === ownMounts) paths.set(inode, path);
  for (const { pid, namespaces, descriptors } of processes) {
    for (const { fd, inode } of descriptors) paths.set(inode, `/proc/${pid}/fd/${fd}`);
    for (const [kind, inode] of entriesOf(namespaces)) {
      if (!paths.has(inode)) paths.set(inode, `/proc/${pid}/ns/${kind}`);
    }
  }
  return paths;
}

function entriesOf(namespaces: SurveyedProcess['namespaces']): [string, number][] {
  const kinds: Partial<Record<NamespaceKind, number>> = namespaces ?? {};
  return Object.entries(kinds);
}
