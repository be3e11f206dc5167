import * as v from 'valibot';
import type { NamespaceKeeper, NamespaceSurvey } from './namespaces.ts';

/** What the namespaces page and the extension say to each other, beside what all pages do (`pages.ts`). */

const list = <T>(schema: v.GenericSchema<unknown, T>) => v.pipe(v.array(schema), v.readonly());

const kind = v.picklist(['mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup', 'time']);
const engine = v.picklist(['porthole', 'docker', 'podman', 'containerd', 'other']);
const container = v.object({ engine, id: v.string(), name: v.exactOptional(v.string()) });
const process = v.object({ pid: v.number(), command: v.string(), container: v.exactOptional(container) });
const keeper = v.variant('by', [
  v.object({ by: v.literal('mount'), path: v.string(), namespace: v.number() }),
  v.object({ by: v.literal('descriptor'), fd: v.number(), process }),
  v.object({ by: v.literal('namespace'), kind, inode: v.number() }),
]) satisfies v.GenericSchema<unknown, NamespaceKeeper>;
const lineage = {
  owner: v.exactOptional(v.object({ userNamespace: v.exactOptional(v.number()), uid: v.exactOptional(v.number()) })),
  parent: v.exactOptional(v.number()),
};

/** `GET /porthole/v1/namespaces` */
export const surveySchema = v.object({
  namespaces: list(
    v.object({
      kind,
      inode: v.number(),
      host: v.boolean(),
      members: list(process),
      ...lineage,
      keptBy: list(keeper),
      containers: list(container),
      oldest: v.exactOptional(process),
    }),
  ),
  unreadable: list(process),
}) satisfies v.GenericSchema<unknown, NamespaceSurvey>;

/** One namespace that a row of the matrix is in. */
const NamespaceView = v.object({
  kind,
  inode: v.number(),
  host: v.boolean(),
  /** A letter for one in which several containers are, the same in all their rows; else ''. */
  mark: v.string(),
  /** Names of the containers that are in it. */
  containers: list(v.string()),
  /** How many processes. */
  members: v.number(),
  ...lineage,
  keptBy: list(keeper),
});
export type NamespaceView = v.InferOutput<typeof NamespaceView>;

const RowView = v.object({
  engine,
  id: v.string(),
  name: v.string(),
  /** The page was opened for it. */
  chosen: v.boolean(),
  /** Inodes by kind, in the order of `kinds`; several where its processes are not all in the same. */
  cells: list(list(v.number())),
});
export type RowView = v.InferOutput<typeof RowView>;

const Matrix = v.object({
  kinds: list(kind),
  rows: list(RowView),
  /** All that are in a row, and the host's own. */
  namespaces: list(NamespaceView),
  /** Processes that the agent has no right to look at. */
  unreadable: v.number(),
  /** Containers that do not run, and so are in none. */
  resting: v.number(),
});
export type Matrix = v.InferOutput<typeof Matrix>;

const MemberView = v.object({ pid: v.number(), command: v.string(), container: v.string() });
export type MemberView = v.InferOutput<typeof MemberView>;

/** Extension to the namespaces page. */
export const ToNamespaces = v.variant('type', [
  v.object({ type: v.literal('matrix'), matrix: Matrix }),
  /** `total` of them, the first in the list. */
  v.object({ type: v.literal('members'), inode: v.number(), members: list(MemberView), total: v.number() }),
]);
export type ToNamespaces = v.InferOutput<typeof ToNamespaces>;

/** Namespaces page to the extension: who is in this one? */
export const FromNamespaces = v.variant('type', [v.object({ type: v.literal('members'), inode: v.number() })]);
export type FromNamespaces = v.InferOutput<typeof FromNamespaces>;

/** Members that a page shows. */
export const mostMembers = 500;
