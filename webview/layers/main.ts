import './layers.css';
import { formatSize } from '../../src/base/units.ts';
import { type FromLayers, type LayerRow, pageSize, ToLayers } from '../../src/protocol/layer-page.ts';
import type { WasteReport } from '../../src/protocol/layers.ts';
import type { PanelSubject } from '../../src/protocol/pages.ts';
import { byId, element } from '../shared/dom.ts';
import { type Frame, openPage, type Page, type View } from '../shared/page.ts';
import { Tabs } from '../shared/tabs.ts';
import { Details } from './details.ts';
import { changeItem, mergedItem } from './items.ts';
import type { Item } from './outline.ts';
import { Pane } from './pane.ts';
import { Questions } from './questions.ts';
import { Stack } from './stack.ts';
import { wasteTables } from './waste.ts';

interface Parts {
  readonly stack: Stack;
  readonly details: Details;
  readonly changes: Pane;
  readonly files: Pane;
  readonly tabs: Tabs;
  readonly waste: HTMLElement;
}

/** An image as the stack of changesets that it is: layers on one side, what they changed on the other. */
class LayersView implements View<ToLayers> {
  readonly #page: Page<FromLayers>;
  readonly #questions: Questions;
  #parts: Parts | undefined;
  #position: number | undefined;
  /** The user wants a container to be read anew. */
  #again = false;

  constructor(page: Page<FromLayers>) {
    this.#page = page;
    this.#questions = new Questions((message) => page.post(message));
  }

  receive(message: ToLayers): void {
    if (message.type === 'stack') this.#showStack(message.layers, message.tags);
    else this.#questions.settle(message);
  }

  frame({ name, object }: PanelSubject): Frame {
    const { t } = this.#page;
    this.#position = undefined;
    const stack = new Stack(this.#page, (position) => void this.#choose(position));
    const details = new Details(this.#page);
    const changes = this.#changesPane();
    const files = this.#filesPane();
    const waste = element('div', { class: 'pane waste', attributes: { tabindex: '0' } });
    const tabs = new Tabs(
      [
        { id: 'changes', text: t('Changes'), content: changes.node },
        { id: 'files', text: t('All Files'), content: files.node, first: () => void files.reload() },
        { id: 'waste', text: t('Waste'), content: waste },
      ],
      {
        label: t('What is to be seen'),
        chosen: (id) => {
          this.#page.keep('tab', id);
          details.node.hidden = id === 'waste';
        },
      },
    );
    this.#parts = { stack, details, changes, files, tabs, waste };
    tabs.choose(['files', 'waste'].find((id) => id === this.#page.kept('tab')) ?? 'changes');
    return {
      title: t('Layers of {0}', name),
      lead: '',
      parts: [
        element('dl', { class: 'facts', attributes: { id: 'summary' } }, [
          ...['layers', 'size', 'stored', 'wasted'].map((id) => element('div', { attributes: { id: `fact-${id}` } })),
        ]),
        ...(object === 'container' ? [this.#readAgain()] : []),
        element('div', { class: 'layout' }, [
          stack.node,
          element('div', { class: 'beside' }, [tabs.node, details.node]),
        ]),
      ],
    };
  }

  /** No event tells that a file of a container has changed. */
  #readAgain(): HTMLElement {
    return element('div', { class: 'bar' }, [
      element('vscode-button', {
        text: this.#page.t('Read Again'),
        attributes: { appearance: 'secondary', id: 'again' },
        on: {
          click: () => {
            this.#again = true;
            this.#page.post({ type: 'refresh' });
          },
        },
      }),
    ]);
  }

  #changesPane(): Pane {
    const { t } = this.#page;
    const pane = new Pane(this.#page, {
      id: 'changes',
      label: t('What the layer changed'),
      load: async (path, after) => {
        const position = this.#position ?? 0;
        const { directory } = await this.#questions.ask({ type: 'directory', position, path, after }, 'directory');
        const items = directory.rows
          .map((row) => changeItem(row, position))
          .filter(({ kind, canUnfold }) => kind !== undefined || canUnfold);
        return { items, more: directory.more };
      },
      find: async (text) => {
        const position = this.#position ?? 0;
        const { found } = await this.#questions.ask({ type: 'find', position, text }, 'found');
        const items = found.rows.map((row) => changeItem(row, position)).filter(({ kind }) => kind !== undefined);
        return { items, total: found.total };
      },
      active: (item) => void this.#about(item),
      open: (item) => this.#open(item),
    });
    pane.bar.append(
      element('vscode-button', {
        class: 'all',
        text: t('Open All Changes'),
        attributes: { appearance: 'secondary', id: 'open-changes' },
        on: { click: () => this.#page.post({ type: 'changes', position: this.#position ?? 0 }) },
      }),
    );
    return pane;
  }

  #filesPane(): Pane {
    const { t } = this.#page;
    return new Pane(this.#page, {
      id: 'files',
      label: t('What a container of the image finds'),
      load: async (path, after) => {
        const { entries } = await this.#questions.ask({ type: 'merged', path, after }, 'merged');
        return { items: entries.map(mergedItem), more: entries.length >= pageSize };
      },
      active: (item) => void this.#about(item),
      open: (item) => this.#page.post({ type: 'open', position: item.layer, path: item.path, beside: 'nothing' }),
    });
  }

  #showStack(layers: readonly LayerRow[], tags: readonly string[]): void {
    const { t } = this.#page;
    const sum = (of: (layer: LayerRow) => number) => layers.reduce((total, layer) => total + of(layer), 0);
    this.#page.lead([...tags.filter((tag) => tag !== this.#page.subject.name), this.#page.subject.id].join(' · '));
    this.#fact('layers', t('Layers'), String(layers.length));
    this.#fact('size', t('In files'), formatSize(sum(({ size }) => size)));
    this.#fact('stored', t('Stored'), formatSize(sum(({ blobSize }) => blobSize)));
    const kept = Number.parseInt(this.#page.kept('layer'), 10);
    const wanted = this.#position ?? (Number.isNaN(kept) ? layers.length - 1 : kept);
    const position = Math.max(0, Math.min(wanted, layers.length - 1));
    this.#parts?.stack.show(layers, position);
    const isAgain = this.#again;
    this.#again = false;
    if (this.#position !== undefined && !isAgain) return;
    if (isAgain) void this.#parts?.files.reload();
    // What takes the agent long comes after what is seen first.
    const first = layers.length > 0 ? this.#choose(position) : Promise.resolve();
    void first.then(() => this.#readWaste());
  }

  async #choose(position: number): Promise<void> {
    this.#position = position;
    this.#page.keep('layer', String(position));
    this.#parts?.tabs.rename('changes', this.#page.t('Changes of Layer {0}', position + 1));
    this.#parts?.details.show(undefined);
    await this.#parts?.changes.reload();
  }

  #open({ path, layer, entry }: Item): void {
    if (entry && entry.type !== 'directory') this.#page.post({ type: 'open', position: layer, path, beside: 'below' });
  }

  async #about(item: Item): Promise<void> {
    const details = this.#parts?.details;
    if (!details || details.item?.path === item.path) return;
    details.show(item);
    try {
      const { versions } = await this.#questions.ask({ type: 'versions', path: item.path }, 'versions');
      if (details.item === item) details.versions(versions);
    } catch (failure) {
      if (details.item === item) this.#page.notice(failure instanceof Error ? failure.message : String(failure));
    }
  }

  async #readWaste(): Promise<void> {
    const node = this.#parts?.waste;
    if (!node) return;
    const { t } = this.#page;
    try {
      const { waste } = await this.#questions.ask({ type: 'waste' }, 'waste');
      this.#fact('wasted', t('Wasted'), wastedWords(waste));
      const open = (position: number, path: string) =>
        this.#page.post({ type: 'open', position, path, beside: 'above' });
      node.replaceChildren(...wasteTables(waste, t, open));
    } catch (failure) {
      node.replaceChildren(
        element('p', { class: 'muted', text: failure instanceof Error ? failure.message : String(failure) }),
      );
    }
  }

  #fact(id: string, name: string, value: string): void {
    byId(`fact-${id}`).replaceChildren(element('dt', { text: name }), element('dd', { text: value }));
  }
}

function wastedWords({ wasted, stored }: WasteReport): string {
  if (wasted === 0) return formatSize(0);
  const share = Math.round((wasted / stored) * 100);
  return `${formatSize(wasted)} · ${share === 0 ? '< 1' : share}%`;
}

openPage<ToLayers, FromLayers>(ToLayers, (page) => new LayersView(page));
