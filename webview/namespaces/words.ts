import type { NamespaceView } from '../../src/protocol/namespace-page.ts';
import type { NamespaceKeeper } from '../../src/protocol/namespaces.ts';
import type { Page } from '../shared/page.ts';

type Translate = Page['t'];

/** What a namespace of the kind keeps apart, namespaces(7). */
export function kindWords(kind: NamespaceView['kind'], t: Translate): string {
  switch (kind) {
    case 'mnt':
      return t('Which file systems are mounted where.');
    case 'pid':
      return t('Which processes are seen, and by what numbers.');
    case 'net':
      return t('Network devices, addresses, routes and ports.');
    case 'ipc':
      return t('System V IPC objects and POSIX message queues.');
    case 'uts':
      return t('The host name.');
    case 'cgroup':
      return t('Which part of the cgroup tree is seen.');
    case 'user':
      return t('User and group numbers, and what root may do with them.');
    case 'time':
      return t('The clocks that count since the boot.');
  }
}

/** What a cell shows. */
export function markWords({ host, mark }: NamespaceView, t: Translate): string {
  if (host) return t('host');
  return mark === '' ? t('own') : mark;
}

/** What a cell says besides, to those who hear it. */
export function sharingWords(view: NamespaceView, name: string, t: Translate): string {
  if (view.host) return t('the host’s');
  const others = view.containers.filter((one) => one !== name);
  return others.length === 0 ? t('shared with nobody') : t('shared with {0}', others.join(', '));
}

export function ownerWords({ owner }: NamespaceView, t: Translate): string {
  if (!owner) return t('out of the agent’s sight');
  const { userNamespace, uid } = owner;
  if (userNamespace === undefined) return uid === undefined ? '' : t('made by user {0}', uid);
  return uid === undefined
    ? t('user namespace {0}', userNamespace)
    : t('user namespace {0}, made by user {1}', userNamespace, uid);
}

export function keeperWords(keeper: NamespaceKeeper, t: Translate): string {
  switch (keeper.by) {
    case 'mount':
      return t('a mount at {0}', keeper.path);
    case 'descriptor':
      return t('descriptor {0} of process {1}', keeper.fd, keeper.process.pid);
    case 'namespace':
      return t('the {0} namespace {1}', keeper.kind, keeper.inode);
  }
}
