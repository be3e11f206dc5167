import type { LayerChange } from '../../src/protocol/layers.ts';
import { element } from '../shared/dom.ts';
import type { Page } from '../shared/page.ts';
import { VirtualTree } from '../shared/virtual-tree.ts';
import { lineCells, lineWords } from './items.ts';
import { type Arrangement, type Item, type Level, type Line, Outline } from './outline.ts';

export interface PaneOptions {
  readonly id: string;
  readonly label: string;
  load(path: string, after: string): Promise<Level>;
  /** What a text finds; absent: there is no search. */
  find?(text: string): Promise<{ readonly items: readonly Item[]; readonly total: number }>;
  active(item: Item): void;
  open(item: Item): void;
}

interface Found {
  readonly items: readonly Item[];
  readonly total: number;
}

/** A tree of names with what narrows and orders it. */
export class Pane {
  readonly node: HTMLElement;
  readonly bar: HTMLElement;
  readonly #page: Page<never>;
  readonly #options: PaneOptions;
  readonly #tree: VirtualTree<Line>;
  readonly #status = element('span', { class: 'muted status', attributes: { role: 'status' } });
  #outline: Outline;
  #order: Arrangement['order'] = 'name';
  #kinds = new Set<LayerChange['kind']>();
  #found: Found | undefined;
  #text = '';

  constructor(page: Page<never>, options: PaneOptions) {
    this.#page = page;
    this.#options = options;
    const { t } = page;
    this.#tree = new VirtualTree<Line>(
      {
        key: ({ key }) => key,
        level: ({ level }) => level,
        place: ({ position, count }) => ({ position, count }),
        isOpen: ({ isOpen }) => isOpen,
        words: (line) => lineWords(line, t),
        cells: (line) => lineCells(line, t, { whole: this.#found !== undefined }),
        version: ({ is, item, problem }) => [is, problem, item?.bytes, item?.kind, this.#found !== undefined].join(' '),
        active: ({ item }) => {
          if (item) options.active(item);
        },
        open: (line) => this.#act(line),
        toggle: (line) => this.#toggle(line),
      },
      { id: options.id, label: options.label },
    );
    this.#outline = this.#anew();
    this.bar = element('div', { class: 'bar' }, this.#controls());
    this.node = element('div', { class: 'pane' }, [this.bar, this.#tree.node]);
  }

  /** Another layer: nothing of the last one stays but how it is narrowed and ordered. */
  async reload(): Promise<void> {
    this.#outline = this.#anew();
    this.#found = undefined;
    this.#tree.reset();
    this.#draw();
    if (this.#text) await this.#search(this.#text);
    await this.#outline.unfold('');
  }

  #anew(): Outline {
    const outline: Outline = new Outline(
      (path, after) => this.#options.load(path, after),
      () => {
        if (outline === this.#outline) this.#draw();
      },
    );
    return outline;
  }

  #controls(): readonly Node[] {
    const { t } = this.#page;
    const { find } = this.#options;
    const kinds = [
      { kind: 'added', words: t('Added') },
      { kind: 'modified', words: t('Modified') },
      { kind: 'deleted', words: t('Deleted') },
    ] as const;
    return [
      ...(find
        ? [
            element('vscode-text-field', {
              class: 'filter',
              attributes: { placeholder: t('Filter paths'), 'aria-label': t('Filter paths') },
              on: { input: (event) => void this.#search(textOf(event)) },
            }),
            element('div', { class: 'toggles', attributes: { role: 'group', 'aria-label': t('Kinds of changes') } }, [
              ...kinds.map(({ kind, words }) => this.#toggleButton(kind, words)),
            ]),
          ]
        : []),
      element(
        'select',
        {
          class: 'order',
          attributes: { 'aria-label': t('Order') },
          on: {
            change: ({ target }) => {
              this.#order = target instanceof HTMLSelectElement && target.value === 'size' ? 'size' : 'name';
              this.#draw();
            },
          },
        },
        [
          element('option', { text: t('By name'), attributes: { value: 'name' } }),
          element('option', { text: t('By size'), attributes: { value: 'size' } }),
        ],
      ),
      this.#status,
    ];
  }

  /** None pressed shows all: a filter that hides everything helps nobody. */
  #toggleButton(kind: LayerChange['kind'], words: string): HTMLElement {
    const button = element('button', {
      class: `toggle ${kind}`,
      text: words,
      attributes: { 'aria-pressed': 'false' },
      on: {
        click: () => {
          if (!this.#kinds.delete(kind)) this.#kinds.add(kind);
          button.setAttribute('aria-pressed', String(this.#kinds.has(kind)));
          this.#draw();
        },
      },
    });
    return button;
  }

  async #search(text: string): Promise<void> {
    const { find } = this.#options;
    this.#text = text.trim();
    if (!this.#text || !find) {
      this.#found = undefined;
      this.#draw();
      return;
    }
    const asked = this.#text;
    try {
      const found = await find(asked);
      if (asked !== this.#text) return;
      this.#found = found;
      this.#tree.reset();
    } catch (failure) {
      this.#status.textContent = failure instanceof Error ? failure.message : String(failure);
      return;
    }
    this.#draw();
  }

  #draw(): void {
    const { t } = this.#page;
    const arrangement = { order: this.#order, ...(this.#kinds.size > 0 && { kinds: this.#kinds }) };
    if (!this.#found) {
      this.#status.textContent = '';
      this.#tree.show(this.#outline.lines(arrangement));
      return;
    }
    const { items, total } = this.#found;
    const lines = flat(items, arrangement);
    this.#status.textContent =
      total > items.length ? t('The first {0} of {1}', items.length, total) : t('{0} found', lines.length);
    this.#tree.show(lines);
  }

  #act(line: Line): void {
    if (line.item && line.isOpen === undefined) this.#options.open(line.item);
    else if (line.item === undefined) this.#toggle(line);
  }

  #toggle({ is, item, isOpen, directory }: Line): void {
    if (is === 'more' || is === 'problem') void this.#outline.more(directory);
    else if (item && isOpen) this.#outline.fold(item.path);
    else if (item && isOpen === false) void this.#outline.unfold(item.path);
  }
}

/** What was found, whole paths one below the other. */
function flat(items: readonly Item[], { kinds, order }: Arrangement): readonly Line[] {
  const shown = items.filter(({ kind }) => !kinds || (kind !== undefined && kinds.has(kind)));
  const sorted = order === 'size' ? shown.toSorted((a, b) => b.bytes - a.bytes) : shown;
  return sorted.map((item, index) => ({
    key: item.path,
    level: 1,
    position: index + 1,
    count: sorted.length,
    is: 'item' as const,
    item: { ...item, canUnfold: false },
    directory: '',
  }));
}

function textOf({ target }: Event): string {
  return target && 'value' in target && typeof target.value === 'string' ? target.value : '';
}
