import { element } from '../shared/dom.ts';
import type { Page } from '../shared/page.ts';
import { VirtualTree } from '../shared/virtual-tree.ts';
import { above, around, escaped, find, type JsonNode, nodesOf, shown, sizeOf } from './json-nodes.ts';
import { marked } from './marks.ts';

/** Characters of a value in its row; all of it stands below the tree. */
const longestInRow = 400;
/** Of a value below the tree. */
const longestBelow = 100_000;

interface Line {
  readonly node: JsonNode;
  readonly isOpen: boolean | undefined;
  readonly isFound: boolean;
}

/** A JSON document as a tree in which one can search, fold, and copy. */
export class JsonPane {
  readonly node: HTMLElement;
  readonly #page: Page<never>;
  readonly #tree: VirtualTree<Line>;
  readonly #search: HTMLInputElement;
  readonly #only: HTMLInputElement;
  readonly #count = element('span', { class: 'muted', attributes: { id: 'found', role: 'status' } });
  readonly #details = element('section', { class: 'details' });
  #nodes: readonly JsonNode[] = [];
  #found: readonly number[] = [];
  readonly #open: Set<string>;
  #at = -1;
  #chosen: JsonNode | undefined;

  constructor(page: Page<never>, actions: readonly Node[]) {
    this.#page = page;
    const { t } = page;
    this.#open = new Set(page.kept('open').split('\n').filter(Boolean));
    this.#tree = new VirtualTree<Line>(
      {
        key: ({ node }) => node.path,
        level: ({ node }) => node.level,
        place: ({ node }) => node,
        isOpen: ({ isOpen }) => isOpen,
        words: ({ node }) => this.#words(node),
        cells: (line) => this.#cells(line),
        version: ({ node, isFound }) => `${isFound} ${this.#search.value} ${shown(node.value).slice(0, longestInRow)}`,
        active: ({ node }) => this.#about(node),
        open: (line) => this.#toggle(line),
        toggle: (line) => this.#toggle(line),
      },
      { id: 'json', label: t('All that the engine says') },
    );
    this.#search = input('search', { id: 'search', class: 'field', placeholder: t('Find in keys and values') });
    this.#search.value = page.kept('search');
    this.#search.addEventListener('input', () => this.#look());
    this.#search.addEventListener('keydown', (event) => this.#onKey(event));
    this.#only = input('checkbox', { id: 'only' });
    this.#only.checked = page.kept('only') !== '';
    this.#only.addEventListener('change', () => this.#look());
    this.node = element('div', { class: 'pane' }, [
      element('div', { class: 'bar' }, [
        this.#search,
        this.#button('previous', '↑', () => this.#step(-1), t('Previous Match')),
        this.#button('next', '↓', () => this.#step(1), t('Next Match')),
        element('label', { class: 'check' }, [this.#only, document.createTextNode(t('Only what matches'))]),
        this.#count,
        element('span', { class: 'gap' }),
        this.#button('unfold', t('Unfold All'), () => this.#unfold(true)),
        this.#button('fold', t('Fold All'), () => this.#unfold(false)),
        ...actions,
      ]),
      this.#tree.node,
      this.#details,
    ]);
    this.#about(undefined);
  }

  show(root: unknown): void {
    this.#nodes = nodesOf(root);
    this.#look();
    const before = this.#chosen?.path;
    if (before !== undefined) this.#about(this.#nodes.find(({ path }) => path === before));
  }

  focus(): void {
    this.#search.focus();
    this.#search.select();
  }

  #look(): void {
    const { value } = this.#search;
    this.#page.keep('search', value);
    this.#page.keep('only', this.#only.checked ? 'on' : '');
    this.#found = find(this.#nodes, value.trim());
    this.#at = -1;
    for (const index of this.#found) this.#reveal(index);
    this.#draw();
  }

  #draw(): void {
    const { t } = this.#page;
    const found = new Set(this.#found);
    const isSearching = this.#search.value.trim() !== '';
    const kept = isSearching && this.#only.checked ? around(this.#nodes, this.#found) : undefined;
    const lines: Line[] = [];
    // Whatever is deeper than this lies in something that is folded.
    let deepest = Number.POSITIVE_INFINITY;
    for (const [index, node] of this.#nodes.entries()) {
      if (node.level > deepest || (kept && !kept.has(index))) continue;
      const isOpen = (sizeOf(node.value) ?? 0) > 0 ? this.#open.has(node.path) : undefined;
      deepest = isOpen === false ? node.level : Number.POSITIVE_INFINITY;
      lines.push({ node, isOpen, isFound: found.has(index) });
    }
    this.#tree.show(lines);
    this.#count.textContent = !isSearching
      ? ''
      : this.#found.length === 0
        ? t('Nothing is found')
        : this.#at < 0
          ? t('{0} found', this.#found.length)
          : t('Match {0} of {1}', this.#at + 1, this.#found.length);
    // What VS Code keeps of a page is small.
    this.#page.keep('open', [...this.#open].slice(0, 500).join('\n'));
  }

  #step(by: number): void {
    const { length } = this.#found;
    if (length === 0) return;
    const from = this.#at < 0 && by < 0 ? 0 : this.#at;
    this.#at = (from + by + length) % length;
    const index = this.#found[this.#at] ?? 0;
    this.#reveal(index);
    this.#draw();
    const path = this.#nodes[index]?.path;
    if (path !== undefined) this.#tree.choose(path);
  }

  #reveal(index: number): void {
    for (const one of above(this.#nodes, index)) this.#open.add(this.#nodes[one]?.path ?? '');
  }

  #toggle({ node, isOpen }: Line): void {
    if (isOpen === undefined) return;
    if (isOpen) this.#open.delete(node.path);
    else this.#open.add(node.path);
    this.#draw();
  }

  #unfold(all: boolean): void {
    this.#open.clear();
    if (all) for (const { path, value } of this.#nodes) if (sizeOf(value)) this.#open.add(path);
    this.#draw();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === 'Enter') this.#step(event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape' && this.#search.value !== '') {
      this.#search.value = '';
      this.#look();
    } else return;
    event.preventDefault();
  }

  #cells({ node, isFound }: Line): readonly Node[] {
    const wanted = isFound ? this.#search.value.trim() : '';
    const size = sizeOf(node.value);
    const value = size === undefined ? shown(node.value).slice(0, longestInRow) : sizeWords(node.value, size);
    return [
      element(
        'span',
        { class: node.numbered ? 'key numbered' : 'key' },
        marked(escaped(node.name), node.numbered ? '' : wanted),
      ),
      element('span', { class: `value ${kindOf(node.value)}` }, marked(value, size === undefined ? wanted : '')),
    ];
  }

  #words(node: JsonNode): string {
    const size = sizeOf(node.value);
    const value = size === undefined ? shown(node.value).slice(0, longestInRow) : sizeWords(node.value, size);
    return `${node.name}: ${value}`;
  }

  /** The whole of what is chosen, to be read and copied. */
  #about(node: JsonNode | undefined): void {
    const { t } = this.#page;
    this.#chosen = node;
    if (!node) {
      this.#details.replaceChildren(element('p', { class: 'muted', text: t('Choose a line to see the whole of it.') }));
      return;
    }
    const text = typeof node.value === 'string' ? node.value : JSON.stringify(node.value, undefined, 2);
    this.#details.replaceChildren(
      element('h2', { class: 'path', text: escaped(node.path) }),
      element('div', { class: 'bar' }, [
        this.#button('copy-value', t('Copy Value'), () =>
          this.#page.post({ type: 'copy', text: text.slice(0, 10_000_000) }),
        ),
        this.#button('copy-path', t('Copy Path'), () => this.#page.post({ type: 'copy', text: node.path })),
      ]),
      element('pre', {
        class: 'whole',
        text: text.length > longestBelow ? `${text.slice(0, longestBelow)}…` : text,
        attributes: { id: 'whole', tabindex: '0', 'aria-label': t('The whole value') },
      }),
    );
  }

  #button(id: string, text: string, click: () => void, label?: string): HTMLElement {
    return element('vscode-button', {
      text,
      attributes: { id, appearance: 'secondary', ...(label !== undefined && { 'aria-label': label, title: label }) },
      on: { click },
    });
  }
}

const sizeWords = (value: unknown, size: number): string => (Array.isArray(value) ? `[${size}]` : `{${size}}`);

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? 'size' : typeof value;
}

function input(type: string, attributes: Readonly<Record<string, string>>): HTMLInputElement {
  const made = document.createElement('input');
  made.type = type;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (attributes['placeholder'] !== undefined) made.setAttribute('aria-label', attributes['placeholder']);
  return made;
}
