import type { NamespaceKind } from './usage.ts';

/** A container of any engine on the host, as its processes' cgroups tell. */
export interface ContainerReference {
  /** 'other': a container by the look of its cgroup, of an engine that does not say its name there. */
  readonly engine: 'porthole' | 'docker' | 'podman' | 'containerd' | 'other';
  readonly id: string;
  /** Known for our own containers only. */
  readonly name?: string;
}

export interface ProcessReference {
  /** As the host numbers it. */
  readonly pid: number;
  /** Arguments with spaces between, cut at 200 characters; a name in brackets for a kernel thread or a zombie. */
  readonly command: string;
  readonly container?: ContainerReference;
}

/** One entry of `GET /porthole/v1/processes`. */
export interface ProcessView extends ProcessReference {
  readonly parent: number;
  /** Effective user, as the agent's user namespace numbers it. */
  readonly uid: number;
  /** The process's number in each pid namespace that it is in, the agent's first, its own last. */
  readonly pids: readonly number[];
  /** Path in the v2 hierarchy, else in v1's memory hierarchy. */
  readonly cgroup: string;
  /** Inodes by kind. Absent: the agent has no right to look (it is rootless, or the process has more rights than it). */
  readonly namespaces?: Readonly<Partial<Record<NamespaceKind, number>>>;
}

/** What keeps a namespace alive beside its members. */
export type NamespaceKeeper =
  /** A bind mount of it; `namespace` is the mount namespace in which the path is. */
  | { readonly by: 'mount'; readonly path: string; readonly namespace: number }
  | { readonly by: 'descriptor'; readonly fd: number; readonly process: ProcessReference }
  /** A namespace below it, or one that it owns. */
  | { readonly by: 'namespace'; readonly kind: NamespaceKind; readonly inode: number };

/** One entry of `GET /porthole/v1/namespaces`. */
export interface NamespaceEntry {
  readonly kind: NamespaceKind;
  readonly inode: number;
  /** The agent's own, which is the host's for an agent that runs on the host. */
  readonly host: boolean;
  /** By pid. */
  readonly members: readonly ProcessReference[];
  /** Absent: out of the agent's sight. `uid` made the owning user namespace (of a user namespace: itself). */
  readonly owner?: { readonly userNamespace?: number; readonly uid?: number };
  /** Of pid and user namespaces. */
  readonly parent?: number;
  readonly keptBy: readonly NamespaceKeeper[];
  /** The containers whose processes are in it. */
  readonly containers: readonly ContainerReference[];
  /** The member that lives longest: the kernel does not write down who made a namespace. */
  readonly oldest?: ProcessReference;
}

/** `GET /porthole/v1/namespaces`, narrowed by `kind` and `inode`. */
export interface NamespaceSurvey {
  readonly namespaces: readonly NamespaceEntry[];
  /** Processes whose namespaces the agent has no right to see. */
  readonly unreadable: readonly ProcessReference[];
}

/** One entry of `GET /porthole/v1/containers/{id}/namespaces`: where the container differs from the host. */
export interface NamespaceDifference {
  readonly kind: NamespaceKind;
  readonly inode: number;
  readonly host: boolean;
  readonly standing: 'host' | 'own' | 'shared';
  /** With which other containers; none are told when it is the host's, where most are. */
  readonly sharedWith: readonly ContainerReference[];
  /** For people, for example 'shared with container web'. */
  readonly words: string;
}
