import { posix } from 'node:path';
import type Dockerode from 'dockerode';
import {
  type CancellationToken,
  commands,
  type DataTransfer,
  DataTransferItem,
  l10n,
  type TreeDragAndDropController,
  Uri,
  window,
} from 'vscode';
import { type ContainerView, type Fleet, findContainer, type ObjectRef } from '../fleet.ts';
import { filesUriParts } from '../fs/uris.ts';
import { engineStatus, explain, isCanceled } from '../problems.ts';
import type { ContainersNode } from '../tree/containers-view.ts';
import { type Dropped, droppedOf, packedOf, uriList } from '../tree/dropped.ts';
import { isFolder } from '../tree/inside-nodes.ts';
import { engineOf } from './engine-of.ts';
import { withProgress } from './progress.ts';
import { copyInto, copyPacked } from './transfer.ts';

export interface DropParts {
  readonly fleet: Fleet;
  /** Told when the files of a container are others than before. */
  readonly changed: (container: ObjectRef) => void;
}

interface Place {
  readonly container: ContainerView;
  /** Undefined: where its program works. */
  readonly directory: string | undefined;
}

/** Files that are dragged onto containers and their directories, and out of them into editors. */
export class ContainerDrops implements TreeDragAndDropController<ContainersNode> {
  readonly dragMimeTypes = [uriList];
  readonly dropMimeTypes = [uriList, 'files'];
  readonly #parts: DropParts;

  constructor(parts: DropParts) {
    this.#parts = parts;
  }

  handleDrag(source: readonly ContainersNode[], transfer: DataTransfer): void {
    const uris = source.flatMap((node) =>
      node.type === 'entry' ? [Uri.from(filesUriParts(node.of, node.path)).toString()] : [],
    );
    if (uris.length > 0) transfer.set(uriList, new DataTransferItem(uris.join('\r\n')));
  }

  async handleDrop(
    target: ContainersNode | undefined,
    transfer: DataTransfer,
    _token: CancellationToken,
  ): Promise<void> {
    const dropped = await droppedOf(transfer);
    if (dropped.length === 0) return;
    const place = target && this.#placeOf(target);
    if (!place) {
      void window.showInformationMessage(l10n.t('Files can be dropped onto a container or a directory of its files.'));
      return;
    }
    try {
      await this.#copy(place, dropped);
    } catch (failure) {
      if (!isCanceled(failure)) void offerOther(place, dropped, failure);
    }
  }

  #placeOf(node: ContainersNode): Place | undefined {
    const { fleet } = this.#parts;
    const place = placeIn(node);
    const container = place && findContainer(fleet, place.ref);
    return container && { container, directory: place.directory };
  }

  async #copy({ container, directory }: Place, dropped: readonly Dropped[]): Promise<void> {
    const handle = engineOf(this.#parts.fleet, container).getContainer(container.id);
    const into = directory ?? (await workingDirectory(handle));
    const names = dropped.map(({ name }) => name);
    if (!(await mayReplace(handle, { names, into, container: container.name }))) return;
    await withProgress(l10n.t('Copying into {0}', container.name), async ({ signal, say }) => {
      for (const one of dropped) {
        say(one.name);
        if (one.kind === 'path') await copyInto(handle, { sources: [one.path], directory: into, signal });
        else await copyPacked(handle, { entries: packedOf(one, signal), directory: into, signal });
      }
    }).finally(() => this.#parts.changed(container));
    void window.showInformationMessage(l10n.t('{0} is in {1} of {2}.', names.join(', '), into, container.name));
  }
}

/** A file stands for the directory that it is in. */
function placeIn(
  node: ContainersNode,
): { readonly ref: ObjectRef; readonly directory: string | undefined } | undefined {
  if (node.type === 'container') return { ref: node.ref, directory: undefined };
  if (node.type === 'section') return { ref: node.container, directory: node.section === 'files' ? '/' : undefined };
  if (node.type !== 'entry' || node.of.kind !== 'container') return undefined;
  return { ref: node.of, directory: isFolder(node) ? node.path : posix.dirname(node.path) };
}

async function workingDirectory(handle: Dockerode.Container): Promise<string> {
  const { Config } = await handle.inspect();
  return Config?.WorkingDir || '/';
}

/** Asks before something that is there is written over. */
async function mayReplace(
  handle: Dockerode.Container,
  { names, into, container }: { names: readonly string[]; into: string; container: string },
): Promise<boolean> {
  const there = await Promise.all(names.map((name) => exists(handle, posix.join(into, name))));
  const taken = names.filter((_, at) => there[at]);
  if (taken.length === 0) return true;
  const replace = l10n.t('Replace');
  const question = l10n.t('Replace {0} in {1} of {2}?', taken.join(', '), into, container);
  const detail = l10n.t('What is there now is lost; of a directory only what has the same names.');
  return (await window.showWarningMessage(question, { modal: true, detail }, replace)) === replace;
}

async function exists(handle: Dockerode.Container, path: string): Promise<boolean> {
  try {
    await handle.infoArchive({ path });
    return true;
  } catch (failure) {
    if (engineStatus(failure) === 404) return false;
    throw failure;
  }
}

/** The next step after a failure: another directory, chosen by hand. */
async function offerOther({ container }: Place, dropped: readonly Dropped[], failure: unknown): Promise<void> {
  const names = dropped.map(({ name }) => name).join(', ');
  const other = l10n.t('Copy into Another Directory…');
  const message = l10n.t('{0} could not be copied into {1}: {2}', names, container.name, explain(failure));
  if ((await window.showErrorMessage(message, other)) !== other) return;
  const { host, engine, id } = container;
  await commands.executeCommand('porthole.container.copyIn', { type: 'container', ref: { host, engine, id } });
}
