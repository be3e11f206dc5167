import assert from 'node:assert/strict';
import type {
  ChangeDirectory,
  LayerChange,
  LayerEntry,
  LayerIndex,
  LayerView,
  MergedEntry,
  PathVersion,
  WastedFile,
  WasteReport,
} from '../../../src/protocol/layers.ts';
import { answerOf, asked } from '../../support/asked.ts';

/** Two images below /porthole/v1 of one agent. */
export interface Pair {
  readonly ours: string;
  readonly theirs: string;
  /** Both were described out of archives: nothing may differ but what an engine stores a layer in. */
  readonly exact?: boolean;
}

/**
 * What both know, where one is read in place. A directory on a disk has no digests, and of what was made there nanoseconds that no archive has; it has a
 * root of its own where the archive says nothing of one.
 */
const known = <T extends LayerEntry>({ digest: _, mtimeNs: __, ...rest }: T): object =>
  rest.path === '' ? { path: '' } : rest;

/** Asks everything that can be asked about an image, of both. @returns how many answers were compared */
export async function compareAnswers(socket: string, { ours, theirs, exact = false }: Pair): Promise<number> {
  const entry = exact ? <T extends LayerEntry>(one: T): object => one : known;
  const change = <T extends Omit<LayerChange, 'path'>>({ before, after, ...rest }: T): object => ({
    ...rest,
    ...(before && { before: entry(before) }),
    ...(after && { after: entry(after) }),
  });
  const notRoot = ({ path }: { readonly path: string }): boolean => exact || path !== '';
  let count = 0;
  const same = async <T>(question: string, comparable: (answer: T) => unknown): Promise<T> => {
    const [own, other] = [await asked<T>(socket, `${ours}${question}`), await asked<T>(socket, `${theirs}${question}`)];
    assert.deepEqual(comparable(other), comparable(own), `${theirs}${question}`);
    count += 1;
    return own;
  };
  const layers = await same<LayerView[]>('/layers', (views) =>
    views.map(({ blobSize: _, sharedBy: __, ...view }) => view),
  );
  const touched = new Set<string>();
  for (const { position } of layers) {
    const at = `/layers/${position}`;
    await same<LayerIndex>(`${at}/index`, ({ entries, whiteouts }) => ({
      entries: entries.filter(notRoot).map(entry),
      whiteouts,
    }));
    const changes = await same<LayerChange[]>(`${at}/changes`, (all) => all.filter(notRoot).map(change));
    // Every name of the programs would take long and tell nothing new.
    for (const { path } of changes) if (!path.startsWith('bin/')) touched.add(path);
    for (const path of ['', 'd', 'odd', 'gone']) {
      await same<ChangeDirectory>(`${at}/changes/directory?path=${path}`, ({ rows, totals }) => ({
        totals,
        rows: rows.map(({ change: own, ...row }) => ({ ...row, ...(own && { change: change(own) }) })),
      }));
    }
    await same<MergedEntry[]>(`/merged?position=${position}`, (all) => all.filter(notRoot).map(entry));
    await same<MergedEntry[]>(`/merged?position=${position}&path=d`, (all) => all.map(entry)).catch((failure) => {
      // The directory comes with a later layer.
      if (!/404|not visible|nothing is visible/.test(String(failure))) throw failure;
    });
    const { files: _, ...totals } = await same<WasteReport>(`/waste?position=${position}`, (report) => report);
    assert.equal(totals.stored, totals.visible + totals.wasted);
  }
  await same<WastedFile[]>('/waste/files', (files) => files);
  for (const path of touched) {
    if (path === '') continue;
    await same<PathVersion[]>(`/versions?path=${encodeURIComponent(path)}`, (found) => found.map(change));
  }
  await compareFiles(socket, { ours, theirs });
  return count;
}

/** The content of every file that some layer has, and parts of it. */
async function compareFiles(socket: string, { ours, theirs }: Pair): Promise<void> {
  const layers = await asked<LayerView[]>(socket, `${ours}/layers`);
  for (const { position } of layers) {
    const { entries } = await asked<LayerIndex>(socket, `${ours}/layers/${position}/index`);
    for (const { path, type } of entries.filter((one) => one.type === 'file').slice(0, 12)) {
      assert.equal(type, 'file');
      const question = `/layers/${position}/file?path=${encodeURIComponent(path)}`;
      for (const headers of [{}, { Range: 'bytes=1-3' }]) {
        const [own, other] = [
          await answerOf(socket, `${ours}${question}`, headers),
          await answerOf(socket, `${theirs}${question}`, headers),
        ];
        assert.equal(other.status, own.status, question);
        if (own.status < 300) assert.ok(own.body.equals(other.body), `${theirs}${question}`);
      }
    }
  }
}
