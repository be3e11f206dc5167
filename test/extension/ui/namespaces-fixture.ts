import { kinds } from '../../../src/extension/namespaces/matrix.ts';
import type {
  ContainerReference,
  NamespaceEntry,
  NamespaceSurvey,
  ProcessReference,
} from '../../../src/protocol/namespaces.ts';

const container = (name: string, engine: ContainerReference['engine'] = 'porthole'): ContainerReference => ({
  engine,
  id: `id${name}`,
  ...(engine === 'porthole' && { name }),
});
const process = (pid: number, command: string, of?: ContainerReference): ProcessReference => ({
  pid,
  command,
  ...(of && { container: of }),
});

const [web, db, cache, tool] = [container('web'), container('db'), container('cache'), container('tool', 'docker')];
const processes = [
  process(20, 'postgres', db),
  process(30, 'nginx: master process', web),
  process(31, 'nginx: worker process', web),
  process(40, 'redis-server *:6379', cache),
  process(50, 'sh -c "while :; do sleep 1; done"', tool),
];
const init = process(1, '/sbin/init');

/** Which inode a process has: the host's are 1 to 8 in the order of `kinds`, a container's begin with its first pid. */
function inodeOf(kind: NamespaceEntry['kind'], { pid, container: of }: ProcessReference): number {
  const own = { idweb: 130, iddb: 120, idcache: 140, idtool: 150 }[of?.id ?? ''] ?? 0;
  const host = kinds.indexOf(kind) + 1;
  if (own === 0 || kind === 'user' || kind === 'time') return host;
  if (kind === 'net' && of?.id === 'idtool') return host;
  if ((kind === 'net' || kind === 'uts') && (of?.id === 'idweb' || of?.id === 'iddb')) return 1000 + host;
  if (kind === 'mnt') return pid === 31 ? 131 : own;
  return own * 10 + host;
}

/** web and db share a network and a host name, a worker of web has mounts of its own, tool is on the host's network. */
export const survey: NamespaceSurvey = {
  namespaces: [
    ...kinds.flatMap((kind) => {
      const byInode = new Map<number, ProcessReference[]>();
      for (const one of [init, ...processes, process(32, 'nginx: cache', web)]) {
        const inode = inodeOf(kind, one);
        byInode.set(inode, [...(byInode.get(inode) ?? []), one]);
      }
      return [...byInode].map(([inode, members]) => ({
        kind,
        inode,
        host: inode < 10,
        members: members.filter(({ pid }) => pid !== 32 || kind === 'mnt'),
        owner: { userNamespace: 8, uid: 0 },
        keptBy: inode < 10 ? [] : [{ by: 'mount' as const, path: `/run/porthole/ns/${inode}`, namespace: 1 }],
        containers: [...new Map(members.flatMap(({ container: of }) => (of ? [[of.id, of] as const] : []))).values()],
      }));
    }),
    { kind: 'net', inode: 999, host: false, members: [process(900, 'sleep')], keptBy: [], containers: [] },
  ],
  unreadable: [process(77, '[kworker]')],
};

export const nameOf = ({ id, name }: ContainerReference): string => name ?? id.slice(2);
