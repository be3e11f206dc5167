import { commands, l10n, Uri, window, workspace } from 'vscode';
import { PortholeError } from '../../base/errors.ts';
import type { FromLayers } from '../../protocol/layer-page.ts';
import type { LayerChange, PathVersion } from '../../protocol/layers.ts';
import {
  type ContainerView,
  type Fleet,
  findContainer,
  findEngine,
  hostLabel,
  type ImageView,
  imageName,
  keyOf,
  type Layered,
  shortId,
} from '../fleet.ts';
import { filesUriParts } from '../fs/uris.ts';
import { explain } from '../problems.ts';
import { aspectWords } from './aspects.ts';
import { isOnlyMetadata, partsOf, type Side, type Stacked, sideOf, sidesOf } from './comparison.ts';
import type { Layers } from './layers.ts';

type Open = Extract<FromLayers, { type: 'open' }>;

/** A path of an image as the layer at `position` has it, and what it is to be seen beside. */
export type Sight = Pick<Open, 'position' | 'path' | 'beside'> & { readonly image: Layered };

/** The same, with the image below a container. */
type Seen = Omit<Sight, 'image'> & { readonly image: Stacked };

/** VS Code loads every document of such an editor at once: 300 take a second, 3,000 take 13. */
export const filesPerEditor = 300;

/** Opens files of images as editors: alone, or beside another version of them. */
export class LayerViewer {
  readonly #fleet: Fleet;
  readonly #layers: Layers;

  constructor(fleet: Fleet, layers: Layers) {
    this.#fleet = fleet;
    this.#layers = layers;
  }

  async open(sight: Sight): Promise<void> {
    const versions = await this.#layers.versions(sight.image, sight.path);
    const index = versions.findLastIndex(({ position }) => position <= sight.position);
    const version = versions[index];
    if (!version) throw noSuchFile(sight.path);
    const here = { ...sight, image: await this.#stacked(sight.image), position: version.position };
    switch (sight.beside) {
      case 'nothing':
        return await this.#alone(here, version);
      case 'below':
        return await compare(here.image, version.position, { path: sight.path, ...version });
      case 'above':
        return await this.#above(here, version, versions[index + 1]);
      case 'image':
        return await this.#besideImage(here, version);
      case 'container':
        return await this.#besideContainer(here, version);
    }
  }

  /** All files that a layer changed, in one editor; of many the user chooses a part. */
  async openChanges(of: Layered, position: number): Promise<void> {
    const all = (await this.#layers.changes(of, position)).filter(isFileChange);
    if (all.length === 0) throw new PortholeError('invalid', l10n.t('This layer changes no content of files.'));
    const image = await this.#stacked(of);
    const question = l10n.t('The layer changes {0} files. Which of them?', all.length);
    let from = await choosePart(all, question);
    while (from !== undefined) {
      openPart({ image, position, all, from });
      from = await offerNext(all.length, from + filesPerEditor);
    }
  }

  /** Files of a container's own layer are those that it has; all below are its image's. */
  async #stacked(of: Layered): Promise<Stacked> {
    if (of.object !== 'container') return of;
    const container = findContainer(this.#fleet, of);
    if (!container) throw new PortholeError('not-found', l10n.t('That is no longer there.'));
    const { host, engine, id, imageId } = container;
    const image = { host, engine, id: imageId };
    const { length: position } = await this.#layers.of(image);
    return { ...image, own: { container: { host, engine, id }, position } };
  }

  async #alone({ image, path }: Seen, version: PathVersion): Promise<void> {
    const entry = version.after ?? version.before;
    if (entry?.type === 'directory') throw new PortholeError('invalid', l10n.t('/{0} is a directory.', path));
    const { right } = sidesOf(image, version.position, { path, ...version });
    await commands.executeCommand('vscode.open', Uri.from(partsOf(right)), { preview: true });
  }

  async #above({ image, path }: Seen, version: PathVersion, next: PathVersion | undefined): Promise<void> {
    if (!next) {
      throw new PortholeError(
        'not-found',
        l10n.t('No layer above layer {0} touches /{1}.', version.position + 1, path),
      );
    }
    const { right: left } = sidesOf(image, version.position, { path, ...version });
    const { right } = sidesOf(image, next.position, { path, ...next });
    await diff(
      left,
      right,
      l10n.t('{0} (layer {1} ↔ layer {2})', nameOf(path), version.position + 1, next.position + 1),
    );
  }

  async #besideImage({ image, path }: Seen, version: PathVersion): Promise<void> {
    const others = this.#fleet.hosts
      .flatMap(({ engines }) => engines.flatMap((view) => view.images))
      .filter((one) => keyOf(one) !== keyOf(image));
    const rows = others.map((one: ImageView) => ({
      label: imageName(one),
      description: shortId(one.id),
      detail: hostLabel(this.#fleet, one.host),
      one,
    }));
    const chosen = await window.showQuickPick(rows, {
      placeHolder: l10n.t('Compare /{0} with which image?', path),
      matchOnDescription: true,
    });
    if (!chosen) return;
    const there = (await this.#layers.versions(chosen.one, path)).at(-1);
    if (!there) throw new PortholeError('not-found', l10n.t('There is no /{0} in {1}.', path, chosen.label));
    const { right: left } = sidesOf(image, version.position, { path, ...version });
    const right = sideOf(chosen.one, { path, entry: there.after }, { position: there.position, from: 'layer' });
    await diff(left, right, l10n.t('{0} (layer {1} ↔ {2})', nameOf(path), version.position + 1, chosen.label));
  }

  async #besideContainer({ image, path }: Seen, version: PathVersion): Promise<void> {
    // Files of containers are those of our own engine's.
    const own = findEngine(this.#fleet, { ...image, engine: 'porthole' })?.containers ?? [];
    const others = this.#fleet.hosts
      .flatMap(({ engines }) =>
        engines.filter(({ engine }) => engine === 'porthole').flatMap((view) => view.containers),
      )
      .filter((one) => !own.includes(one));
    // Those that are made of this image are what is most likely meant.
    const madeOfIt = own.filter(({ imageId }) => imageId === image.id);
    const sorted = [...madeOfIt, ...own.filter((one) => !madeOfIt.includes(one)), ...others];
    const rows = sorted.map((one: ContainerView) => ({
      label: one.name,
      description: one.image,
      detail: hostLabel(this.#fleet, one.host),
      one,
    }));
    const placeHolder = l10n.t('Compare /{0} with which container?', path);
    const chosen = await window.showQuickPick(rows, { placeHolder, matchOnDescription: true });
    if (!chosen) return;
    const { right: left } = sidesOf(image, version.position, { path, ...version });
    const file = Uri.from(filesUriParts({ kind: 'container', ...chosen.one }, `/${path}`));
    const isThere = await workspace.fs.stat(file).then(
      () => true,
      () => false,
    );
    const right = isThere ? file : Uri.from(partsOf(sideOf(image, { path, entry: undefined }, nowhere)));
    const title = l10n.t('{0} (layer {1} ↔ {2})', nameOf(path), version.position + 1, chosen.label);
    await commands.executeCommand('vscode.diff', Uri.from(partsOf(left)), right, title, { preview: true });
  }
}

/** What a layer made of a path beside what lies below. */
async function compare(image: Stacked, position: number, change: LayerChange): Promise<void> {
  const { left, right } = sidesOf(image, position, change);
  if (isOnlyMetadata(change)) {
    const aspects = (change.differs ?? []).map(aspectWords).join(', ');
    void window.showInformationMessage(
      l10n.t('The content of /{0} is the same; what differs: {1}', change.path, aspects),
    );
  }
  await diff(left, right, compareTitle(position, change));
}

interface Part {
  readonly image: Stacked;
  readonly position: number;
  readonly all: readonly LayerChange[];
  readonly from: number;
}

/** Nobody waits for it: VS Code says that it is open when its last document is there. */
function openPart({ image, position, all, from }: Part): void {
  const part = all.slice(from, from + filesPerEditor);
  const resources = part.map((change) => {
    const { left, right } = sidesOf(image, position, change);
    const [before, after] = [Uri.from(partsOf(left)), Uri.from(partsOf(right))];
    return [
      change.kind === 'deleted' ? before : after,
      change.kind === 'added' ? undefined : before,
      change.kind === 'deleted' ? undefined : after,
    ];
  });
  const name = l10n.t('Layer {0}', position + 1);
  const title =
    part.length === all.length
      ? name
      : l10n.t('{0}: {1} to {2} of {3}', name, from + 1, from + part.length, all.length);
  commands.executeCommand('vscode.changes', title, resources).then(undefined, (failure: unknown) => {
    void window.showErrorMessage(explain(failure));
  });
}

/** The next page, if there is one and the user wants it; undefined for none. */
async function offerNext(total: number, next: number): Promise<number | undefined> {
  if (next >= total) return undefined;
  const page = l10n.t('Files {0} to {1}', next + 1, Math.min(next + filesPerEditor, total));
  const told = l10n.t('{0} more files of this layer are on the next pages.', total - next);
  return (await window.showInformationMessage(told, page)) === page ? next : undefined;
}

async function diff(left: Side, right: Side, title: string): Promise<void> {
  await commands.executeCommand('vscode.diff', Uri.from(partsOf(left)), Uri.from(partsOf(right)), title, {
    preview: true,
  });
}

/** Where the part begins that the user wants, of more than an editor takes; undefined for none. */
export async function choosePart(all: readonly LayerChange[], placeHolder: string): Promise<number | undefined> {
  if (all.length <= filesPerEditor) return 0;
  const parts = Array.from({ length: Math.ceil(all.length / filesPerEditor) }, (_, part) => part * filesPerEditor);
  const rows = parts.map((from) => {
    const last = Math.min(from + filesPerEditor, all.length) - 1;
    return {
      label: l10n.t('Files {0} to {1}', from + 1, last + 1),
      description: `/${all[from]?.path ?? ''} … /${all[last]?.path ?? ''}`,
      from,
    };
  });
  return (await window.showQuickPick(rows, { placeHolder, matchOnDescription: true }))?.from;
}

/** A change of what a file holds, not only of what it is called or who owns it. */
export function isFileChange(change: LayerChange): boolean {
  const isFile = change.after?.type === 'file' || change.before?.type === 'file';
  return isFile && !isOnlyMetadata(change);
}

function compareTitle(position: number, { path, kind }: LayerChange): string {
  switch (kind) {
    case 'added':
      return l10n.t('{0} (added in layer {1})', nameOf(path), position + 1);
    case 'deleted':
      return l10n.t('{0} (deleted in layer {1})', nameOf(path), position + 1);
    case 'modified':
      return l10n.t('{0} (below ↔ layer {1})', nameOf(path), position + 1);
  }
}

const nowhere = { position: 0, from: 'layer' } as const;

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

const noSuchFile = (path: string) => new PortholeError('not-found', l10n.t('No layer touches /{0}.', path));
