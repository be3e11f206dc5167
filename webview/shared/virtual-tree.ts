import { element } from './dom.ts';

/** What the tree asks about its rows; everything else is the owner's. */
export interface TreeOwner<Row> {
  key(row: Row): string;
  level(row: Row): number;
  /** Of those beside it. */
  place(row: Row): { readonly position: number; readonly count: number };
  /** undefined: it does not unfold. */
  isOpen(row: Row): boolean | undefined;
  /** For those who hear it. */
  words(row: Row): string;
  cells(row: Row): readonly Node[];
  /** Changes whenever the cells do. */
  version(row: Row): string;
  active(row: Row): void;
  /** Enter or a double click. */
  open(row: Row): void;
  /** A click or the space bar; a row that does not unfold may leave it alone. */
  toggle(row: Row): void;
}

/** Pixels; the style sheet has the same. */
const rowHeight = 22;
/** Rows made above and below what is seen. */
const spare = 12;

/**
 * An ARIA tree of which only the rows in sight exist: 100,000 rows scroll like 100. The focus stays on the tree, the active
 * row is named by `aria-activedescendant` (WAI-ARIA Authoring Practices, Tree View).
 */
export class VirtualTree<Row> {
  readonly node: HTMLElement;
  readonly #owner: TreeOwner<Row>;
  readonly #canvas = element('div', { class: 'rows', attributes: { role: 'none' } });
  readonly #made = new Map<string, { node: HTMLElement; version: string }>();
  readonly #id: string;
  #rows: readonly Row[] = [];
  #active: string | undefined;
  #typed = { text: '', at: 0 };

  constructor(owner: TreeOwner<Row>, { id, label }: { id: string; label: string }) {
    this.#owner = owner;
    this.#id = id;
    this.node = element(
      'div',
      {
        class: 'tree',
        attributes: { id, role: 'tree', tabindex: '0', 'aria-label': label },
        on: {
          scroll: () => this.#draw(),
          keydown: (event) => {
            if (event instanceof KeyboardEvent) this.#key(event);
          },
          click: (event) => this.#click(event),
          dblclick: (event) => this.#act(event, (row) => this.#owner.open(row)),
        },
      },
      [this.#canvas],
    );
    new ResizeObserver(() => this.#draw()).observe(this.node);
  }

  get activeRow(): Row | undefined {
    return this.#rows[this.#activeIndex()];
  }

  show(rows: readonly Row[]): void {
    this.#rows = rows;
    this.#canvas.style.height = `${rows.length * rowHeight}px`;
    if (this.#activeIndex() < 0) this.#active = undefined;
    this.#draw();
  }

  /** Makes a row the active one and brings it into sight. */
  choose(key: string): void {
    const index = this.#rows.findIndex((row) => this.#owner.key(row) === key);
    if (index >= 0) this.#activate(index);
  }

  /** Back to the top, with nothing active. */
  reset(): void {
    this.#active = undefined;
    this.node.scrollTop = 0;
  }

  #draw(): void {
    const first = Math.max(0, Math.floor(this.node.scrollTop / rowHeight) - spare);
    const last = Math.ceil((this.node.scrollTop + this.node.clientHeight) / rowHeight) + spare;
    const shown = this.#rows.slice(first, last);
    const nodes = shown.map((row, index) => this.#rowNode(row, first + index));
    const keys = new Set(shown.map((row) => this.#owner.key(row)));
    for (const key of this.#made.keys()) if (!keys.has(key)) this.#made.delete(key);
    this.#canvas.replaceChildren(...nodes);
    this.#markActive();
  }

  #rowNode(row: Row, index: number): HTMLElement {
    const key = this.#owner.key(row);
    const isOpen = this.#owner.isOpen(row);
    const { position, count } = this.#owner.place(row);
    const version = [index, position, count, isOpen, this.#owner.version(row)].join(' ');
    const known = this.#made.get(key);
    if (known?.version === version) return known.node;
    const level = this.#owner.level(row);
    const node = element(
      'div',
      {
        class: 'row',
        attributes: {
          id: `${this.#id}-${index}`,
          role: 'treeitem',
          'aria-level': String(level),
          'aria-posinset': String(position),
          'aria-setsize': String(count),
          'data-index': String(index),
          ...(isOpen !== undefined && { 'aria-expanded': String(isOpen) }),
        },
      },
      [
        // What is heard says more than what is seen, in an order of its own.
        element('span', { class: 'visually-hidden', text: this.#owner.words(row) }),
        element('span', {
          class: `twisty ${isOpen === undefined ? 'leaf' : ''}`,
          attributes: { 'aria-hidden': 'true' },
        }),
        element('span', { class: 'cells', attributes: { 'aria-hidden': 'true' } }, this.#owner.cells(row)),
      ],
    );
    node.style.top = `${index * rowHeight}px`;
    node.style.paddingInlineStart = `${(level - 1) * 14 + 4}px`;
    this.#made.set(key, { node, version });
    return node;
  }

  #markActive(): void {
    const index = this.#activeIndex();
    for (const { node } of this.#made.values()) {
      const isActive = node.dataset['index'] === String(index);
      node.setAttribute('aria-selected', String(isActive));
      node.classList.toggle('active', isActive);
    }
    if (index < 0) this.node.removeAttribute('aria-activedescendant');
    else this.node.setAttribute('aria-activedescendant', `${this.#id}-${index}`);
  }

  #activeIndex(): number {
    const active = this.#active;
    return active === undefined ? -1 : this.#rows.findIndex((row) => this.#owner.key(row) === active);
  }

  #activate(index: number): void {
    const row = this.#rows[Math.max(0, Math.min(index, this.#rows.length - 1))];
    if (row === undefined) return;
    this.#active = this.#owner.key(row);
    const top = this.#rows.indexOf(row) * rowHeight;
    const { scrollTop, clientHeight } = this.node;
    if (top < scrollTop) this.node.scrollTop = top;
    else if (top + rowHeight > scrollTop + clientHeight) this.node.scrollTop = top + rowHeight - clientHeight;
    this.#draw();
    this.#owner.active(row);
  }

  #click(event: Event): void {
    this.#act(event, (row, index) => {
      this.#activate(index);
      this.#owner.toggle(row);
    });
  }

  #act(event: Event, act: (row: Row, index: number) => void): void {
    const target = event.target instanceof Element ? event.target.closest('[data-index]') : undefined;
    const index = Number(target?.getAttribute('data-index') ?? Number.NaN);
    const row = this.#rows[index];
    if (row !== undefined) act(row, index);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const index = this.#activeIndex();
    const page = Math.max(1, Math.floor(this.node.clientHeight / rowHeight) - 1);
    const moves: Readonly<Record<string, () => void>> = {
      ArrowDown: () => this.#activate(index + 1),
      ArrowUp: () => this.#activate(index < 0 ? 0 : index - 1),
      PageDown: () => this.#activate(index + page),
      PageUp: () => this.#activate(index - page),
      Home: () => this.#activate(0),
      End: () => this.#activate(this.#rows.length - 1),
      ArrowRight: () => this.#inward(index),
      ArrowLeft: () => this.#outward(index),
      Enter: () => this.#withActive((row) => this.#owner.open(row)),
      ' ': () => this.#withActive((row) => this.#owner.toggle(row)),
    };
    const move = moves[event.key];
    if (move) move();
    else if (event.key.length === 1) this.#type(event);
    else return;
    event.preventDefault();
  }

  #inward(index: number): void {
    const row = this.#rows[index];
    if (row === undefined) return;
    const isOpen = this.#owner.isOpen(row);
    if (isOpen === false) this.#owner.toggle(row);
    else if (isOpen) this.#activate(index + 1);
  }

  #outward(index: number): void {
    const row = this.#rows[index];
    if (row === undefined) return;
    if (this.#owner.isOpen(row)) {
      this.#owner.toggle(row);
      return;
    }
    const level = this.#owner.level(row);
    const parent = this.#rows.slice(0, index).findLastIndex((one) => this.#owner.level(one) < level);
    if (parent >= 0) this.#activate(parent);
  }

  #withActive(act: (row: Row) => void): void {
    const row = this.activeRow;
    if (row !== undefined) act(row);
  }

  /** The next row whose name begins with what was typed in the last second. */
  #type({ key, timeStamp }: KeyboardEvent): void {
    const text = timeStamp - this.#typed.at < 1000 ? this.#typed.text + key.toLowerCase() : key.toLowerCase();
    this.#typed = { text, at: timeStamp };
    const from = this.#activeIndex() + (text.length === 1 ? 1 : 0);
    const order = [...this.#rows.keys()].map((index) => (from + index) % this.#rows.length);
    const found = order.find((index) => {
      const row = this.#rows[index];
      return row !== undefined && this.#owner.words(row).toLowerCase().startsWith(text);
    });
    if (found !== undefined) this.#activate(found);
  }
}
