import * as v from 'valibot';
import { l10n, window } from 'vscode';
import { messageOf } from '../../base/errors.ts';
import { FromLayers, type LayerRow, mostFound, pageSize, type ToLayers } from '../../protocol/layer-page.ts';
import type { ChangeRow, LayerChange, LayerView } from '../../protocol/layers.ts';
import type { PanelSubject } from '../../protocol/pages.ts';
import {
  type Fleet,
  type FleetChange,
  findContainer,
  findEngine,
  findImage,
  imageName,
  keyOf,
  shortId,
} from '../fleet.ts';
import type { Host } from '../hosts/contract.ts';
import { cleanInstruction } from '../instruction.ts';
import type { Layers } from '../layers/layers.ts';
import type { LayerViewer } from '../layers/viewer.ts';
import { explain, isCanceled } from '../problems.ts';
import type { Message, Wire } from './feed.ts';
import { FollowedFeed } from './followed-feed.ts';

type Question = Extract<FromLayers, { question: number }>;

export interface LayersParts {
  readonly fleet: Fleet;
  readonly layers: Layers;
  readonly viewer: LayerViewer;
  readonly subject: PanelSubject;
  readonly wire: Wire;
}

/** An image as the stack of changesets that it is: the stack at once, everything else when the page asks for it. */
export class LayersFeed extends FollowedFeed {
  readonly #parts: LayersParts;
  /** Asked for while VS Code makes the page, which takes longer. */
  #ahead: Promise<readonly LayerView[] | undefined> | undefined;

  constructor(parts: LayersParts) {
    super(parts.fleet, parts.subject, parts.wire);
    this.#parts = parts;
    // What fails is asked for again when the page is there to say why.
    this.#ahead = this.#readAhead().catch(() => undefined);
  }

  /** What happens to containers changes no image, and what happens to others changes no container. */
  protected override concerns(change: FleetChange): boolean {
    const { object } = this.subject;
    if (object === 'container') return change.kind === 'host-state' || change.keys.includes(keyOf(this.subject));
    return change.kind !== 'containers' && super.concerns(change);
  }

  protected async read(_host: Host, signal: AbortSignal): Promise<Message> {
    const { layers, subject } = this.#parts;
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const stack = (await ahead) ?? (await layers.of(subject, signal));
    return {
      type: 'stack',
      layers: stack.map((layer) => this.#rowOf(layer, stack.at(-1)?.container !== undefined ? stack.length - 2 : -1)),
      tags: this.#tags(),
    };
  }

  receive(received: unknown): void {
    const message = v.safeParse(FromLayers, received);
    if (!message.success) return;
    const asked = message.output;
    if ('question' in asked) void this.#answer(asked);
    else void this.#show(asked);
  }

  async #readAhead(): Promise<readonly LayerView[]> {
    const { layers, subject } = this.#parts;
    const stack = await layers.of(subject);
    // Of a container nothing is kept: it would be read twice.
    if (subject.object !== 'container') this.#readTop(stack.length - 1).catch(() => undefined);
    return stack;
  }

  /** The rows that the page begins with, for the answers that `layers` keeps: directories that hold nothing but another are unfolded. */
  async #readTop(position: number): Promise<void> {
    const { layers, subject } = this.#parts;
    for (let path: string | undefined = ''; path !== undefined && position >= 0; ) {
      const { rows } = await layers.directory(subject, position, { path, after: '', limit: pageSize });
      const [only, ...others]: readonly ChangeRow[] = rows;
      const below = only ? only.below.added + only.below.modified + only.below.deleted : 0;
      path = others.length === 0 && below > 0 ? only?.path : undefined;
    }
  }

  async #answer(asked: Question): Promise<void> {
    const { wire } = this.#parts;
    try {
      wire.send(await this.#find(asked));
    } catch (failure) {
      wire.send({ type: 'refused', question: asked.question, message: explain(failure) || messageOf(failure) });
    }
  }

  async #show(asked: Exclude<FromLayers, Question>): Promise<void> {
    const { viewer, subject } = this.#parts;
    try {
      if (asked.type === 'changes') await viewer.openChanges(subject, asked.position);
      else await viewer.open({ image: subject, ...asked });
    } catch (failure) {
      if (!isCanceled(failure)) void window.showErrorMessage(explain(failure));
    }
  }

  async #find(asked: Question): Promise<ToLayers> {
    const { layers, subject } = this.#parts;
    const { question } = asked;
    switch (asked.type) {
      case 'directory': {
        const { position, path, after } = asked;
        const directory = await layers.directory(subject, position, { path, after, limit: pageSize });
        return { type: 'directory', question, directory };
      }
      case 'merged': {
        const { path, after } = asked;
        const entries = await layers.merged(subject, { path, after, limit: pageSize });
        return { type: 'merged', question, entries };
      }
      case 'find':
        return {
          type: 'found',
          question,
          found: foundIn(await layers.changes(subject, asked.position), asked.text),
        };
      case 'versions':
        return { type: 'versions', question, versions: await layers.versions(subject, asked.path) };
      case 'waste':
        return { type: 'waste', question, waste: await layers.waste(subject) };
    }
  }

  /** @param enginesOwn position of the layer below that of a container; -1 for an image */
  #rowOf(layer: LayerView, enginesOwn: number): LayerRow {
    const { position, created, size, blobSize, counts, sharedBy, diffId, container } = layer;
    return {
      position,
      ...(container && { own: true as const }),
      instruction: instructionOf(layer, enginesOwn),
      ...(created !== undefined && { created }),
      size,
      blobSize,
      entries: counts.entries,
      deletions: counts.whiteouts,
      sharedBy: sharedBy.map((id) => this.#nameOf(id)),
      digest: diffId,
    };
  }

  /** Names of the image; of a container that of what it was made of. */
  #tags(): string[] {
    const { fleet, subject } = this.#parts;
    if (subject.object !== 'container') return [...(findImage(fleet, subject)?.tags ?? [])];
    const container = findContainer(fleet, subject);
    return container ? [container.image] : [];
  }

  /** An image of the same engine; one that is not listed any more goes by its id. */
  #nameOf(id: string): string {
    const { fleet, subject } = this.#parts;
    const image = findEngine(fleet, subject)?.images.find((one) => one.id === id);
    return image ? imageName(image) : shortId(id);
  }
}

function instructionOf({ instruction, comment, position, container }: LayerView, enginesOwn: number): string {
  if (container) return l10n.t('What the container changed');
  if (position === enginesOwn) return l10n.t('What the engine puts into every container');
  return cleanInstruction(instruction) || comment || l10n.t('Layer {0}', position + 1);
}

/** Every word of the text must stand in the path; case does not matter. */
export function foundIn(changes: readonly LayerChange[], text: string): { rows: readonly ChangeRow[]; total: number } {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = changes.filter(({ path }) => {
    const lower = path.toLowerCase();
    return path !== '' && words.every((word) => lower.includes(word));
  });
  const below = { added: 0, modified: 0, deleted: 0, storedBytes: 0, hiddenBytes: 0 };
  const rows = fits
    .slice(0, mostFound)
    .map(({ path, ...change }) => ({ name: path.slice(path.lastIndexOf('/') + 1), path, change, below }));
  return { rows, total: fits.length };
}
