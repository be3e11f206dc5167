import { commands, l10n, Uri, window } from 'vscode';
import type { LayerChange, LayerEntry } from '../../protocol/layers.ts';
import { filesUriParts } from '../fs/uris.ts';
import { partsOf, sideOf } from './comparison.ts';
import type { Compared, Layers } from './layers.ts';
import { choosePart, filesPerEditor, isFileChange } from './viewer.ts';

/** All files in which two images or containers of one host differ, in one editor; of many the user chooses a part. */
export async function openComparison(
  layers: Layers,
  { left, right, changes }: { left: Compared; right: Compared; changes: readonly LayerChange[] },
): Promise<void> {
  const all = changes.filter(isFileChange);
  if (all.length === 0) {
    const same =
      changes.length === 0
        ? l10n.t('{0} and {1} have the same files.', left.name, right.name)
        : l10n.t('{0} and {1} differ in directories, links, owners, modes or times only.', left.name, right.name);
    void window.showInformationMessage(same);
    return;
  }
  const from = await choosePart(all, l10n.t('They differ in {0} files. Which of them?', all.length));
  if (from === undefined) return;
  const part = all.slice(from, from + filesPerEditor);
  const [before, after] = [await viewOf(layers, left), await viewOf(layers, right)];
  const resources = part.map(({ path, kind, before: old, after: now }) => {
    const one = kind === 'added' ? undefined : before(path, old);
    const other = kind === 'deleted' ? undefined : after(path, now);
    return [other ?? one, one, other];
  });
  const names = `${left.name} ↔ ${right.name}`;
  const title =
    part.length === all.length
      ? names
      : l10n.t('{0}: {1} to {2} of {3}', names, from + 1, from + part.length, all.length);
  await commands.executeCommand('vscode.changes', title, resources);
}

/** Where a path of one of them is read. */
async function viewOf(
  layers: Layers,
  { kind, ref }: Compared,
): Promise<(path: string, entry: LayerEntry | undefined) => Uri> {
  const position = kind === 'image' ? (await layers.of(ref)).length - 1 : 0;
  return (path, entry) =>
    kind === 'container' && entry?.type === 'file'
      ? Uri.from(filesUriParts({ kind, ...ref }, `/${path}`))
      : Uri.from(partsOf(sideOf(ref, { path, entry }, { position, from: 'merged' })));
}
