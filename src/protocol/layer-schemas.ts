import * as v from 'valibot';
import type {
  ChangeDirectory,
  LayerChange,
  LayerEntry,
  LayerView,
  MergedEntry,
  PathVersion,
  WasteReport,
} from './layers.ts';

/** What the agent's layer routes answer, checked: a layer is foreign data, and so is an agent of another version. */
const list = <T>(schema: v.GenericSchema<unknown, T>) => v.pipe(v.array(schema), v.readonly());

const entryFields = {
  path: v.string(),
  type: v.picklist(['file', 'directory', 'symlink', 'char', 'block', 'fifo']),
  mode: v.number(),
  uid: v.number(),
  gid: v.number(),
  size: v.number(),
  holes: v.exactOptional(v.number()),
  mtime: v.number(),
  mtimeNs: v.exactOptional(v.number()),
  digest: v.exactOptional(v.string()),
  link: v.exactOptional(v.string()),
  hardlink: v.exactOptional(v.string()),
  device: v.exactOptional(v.object({ major: v.number(), minor: v.number() })),
  xattrs: v.exactOptional(v.record(v.string(), v.string())),
  opaque: v.exactOptional(v.literal(true)),
};
const entrySchema = v.object(entryFields) satisfies v.GenericSchema<unknown, LayerEntry>;

const aspects = list(v.picklist(['type', 'content', 'mode', 'owner', 'time', 'link', 'xattrs', 'device']));
const differs = v.exactOptional(aspects);
const ownChange = {
  kind: v.picklist(['added', 'modified', 'deleted']),
  differs,
  before: v.exactOptional(entrySchema),
  after: v.exactOptional(entrySchema),
};
export const changesSchema = list(v.object({ path: v.string(), ...ownChange })) satisfies v.GenericSchema<
  unknown,
  readonly LayerChange[]
>;

const totals = v.object({
  added: v.number(),
  modified: v.number(),
  deleted: v.number(),
  storedBytes: v.number(),
  hiddenBytes: v.number(),
});
const change = v.exactOptional(v.object(ownChange));
export const directorySchema = v.object({
  path: v.string(),
  change,
  totals,
  rows: list(v.object({ name: v.string(), path: v.string(), change, below: totals })),
  more: v.boolean(),
}) satisfies v.GenericSchema<unknown, ChangeDirectory>;

const mergedSchema = v.object({ ...entryFields, layer: v.number() }) satisfies v.GenericSchema<unknown, MergedEntry>;
export const mergedListSchema = list(mergedSchema);

const versionSchema = v.object({
  position: v.number(),
  ...ownChange,
  withDirectory: v.exactOptional(v.literal(true)),
}) satisfies v.GenericSchema<unknown, PathVersion>;
export const versionsSchema = list(versionSchema);

const pair = {
  storedBy: v.number(),
  hiddenBy: v.number(),
  reason: v.picklist(['deleted', 'opaque', 'type', 'content', 'metadata', 'same']),
  bytes: v.number(),
};
export const wasteSchema = v.object({
  stored: v.number(),
  visible: v.number(),
  wasted: v.number(),
  files: v.number(),
  pairs: list(v.object({ ...pair, files: v.number() })),
  largest: list(v.object({ path: v.string(), ...pair, differs: v.optional(aspects) })),
}) satisfies v.GenericSchema<unknown, WasteReport>;

const layerSchema = v.object({
  position: v.number(),
  diffId: v.string(),
  chainId: v.string(),
  instruction: v.string(),
  created: v.exactOptional(v.string()),
  comment: v.exactOptional(v.string()),
  size: v.number(),
  blobSize: v.number(),
  counts: v.object({ entries: v.number(), whiteouts: v.number() }),
  sharedBy: list(v.string()),
  container: v.exactOptional(v.object({ id: v.string(), from: v.string(), to: v.string() })),
}) satisfies v.GenericSchema<unknown, LayerView>;
export const layersSchema = list(layerSchema);
