import * as v from 'valibot';
import type { LayerChange, LayerEntry, LayerView } from '../../protocol/layers.ts';

/** What the agent's layer routes answer, checked: a layer is foreign data, and so is an agent of another version. */
const entrySchema = v.object({
  path: v.string(),
  type: v.picklist(['file', 'directory', 'symlink', 'char', 'block', 'fifo']),
  mode: v.number(),
  uid: v.number(),
  gid: v.number(),
  size: v.number(),
  mtime: v.number(),
  mtimeNs: v.exactOptional(v.number()),
  digest: v.exactOptional(v.string()),
  link: v.exactOptional(v.string()),
  hardlink: v.exactOptional(v.string()),
  device: v.exactOptional(v.object({ major: v.number(), minor: v.number() })),
  xattrs: v.exactOptional(v.record(v.string(), v.string())),
  opaque: v.exactOptional(v.literal(true)),
}) satisfies v.GenericSchema<unknown, LayerEntry>;

const changeSchema = v.object({
  path: v.string(),
  kind: v.picklist(['added', 'modified', 'deleted']),
  differs: v.exactOptional(
    v.array(v.picklist(['type', 'content', 'mode', 'owner', 'time', 'link', 'xattrs', 'device'])),
  ),
  before: v.exactOptional(entrySchema),
  after: v.exactOptional(entrySchema),
}) satisfies v.GenericSchema<unknown, LayerChange>;
export const changesSchema = v.array(changeSchema);

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
  sharedBy: v.array(v.string()),
}) satisfies v.GenericSchema<unknown, LayerView>;
export const layersSchema = v.array(layerSchema);
