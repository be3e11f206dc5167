import type { Matrix, NamespaceView, RowView } from '../../src/protocol/namespace-page.ts';
import { element } from '../shared/dom.ts';
import type { Page } from '../shared/page.ts';
import { kindWords, markWords, sharingWords } from './words.ts';

interface Cell {
  readonly row: number;
  readonly column: number;
  readonly view: NamespaceView;
  readonly button: HTMLElement;
}

/** Colours that letters go through. */
const hues = 6;

/** Containers by kinds of namespaces: a grid by the WAI-ARIA Authoring Practices, one stop of the tab key, arrows inside. */
export class MatrixTable {
  readonly node: HTMLElement;
  readonly #page: Page<never>;
  readonly #chosen: (view: NamespaceView | undefined) => void;
  readonly #table: HTMLElement;
  #cells: readonly Cell[] = [];
  #at: Cell | undefined;

  constructor(page: Page<never>, chosen: (view: NamespaceView | undefined) => void) {
    this.#page = page;
    this.#chosen = chosen;
    this.#table = element('table', {
      class: 'matrix',
      attributes: { role: 'grid', 'aria-label': page.t('Containers and their namespaces') },
      on: {
        keydown: (event) => {
          if (event instanceof KeyboardEvent) this.#key(event);
        },
        mouseover: ({ target }) => this.#light(cellOf(target)),
        mouseleave: () => this.#light(''),
        focusin: ({ target }) => this.#light(cellOf(target)),
      },
    });
    this.node = element('div', { class: 'wide' }, [this.#table]);
  }

  /** @param inode of the namespace that is to be the chosen one, if it is there */
  show(matrix: Matrix, inode: number): void {
    const hadFocus = this.#table.contains(document.activeElement);
    const [row, column] = [this.#at?.row ?? 0, this.#at?.column ?? 0];
    const views = new Map(matrix.namespaces.map((view) => [view.inode, view]));
    const cells: Cell[] = [];
    const { t } = this.#page;
    const host = matrix.kinds.map((kind) => matrix.namespaces.filter((view) => view.host && view.kind === kind));
    this.#table.replaceChildren(
      element('thead', {}, [this.#head(matrix)]),
      element('tbody', {}, [
        this.#row({ name: t('The host itself'), className: 'host', at: 0, columns: host }, cells),
        ...matrix.rows.map((one, index) =>
          this.#row(
            {
              name: one.name,
              className: one.chosen ? 'chosen' : '',
              at: index + 1,
              row: one,
              columns: one.cells.map((inodes) => inodes.flatMap((each) => views.get(each) ?? [])),
              above: matrix.rows[index - 1],
              below: matrix.rows[index + 1],
            },
            cells,
          ),
        ),
      ]),
    );
    this.#cells = cells;
    const same = cells.find((cell) => cell.row === row && cell.column === column);
    this.#stop(same ?? cells[0]);
    if (hadFocus) this.#at?.button.focus();
    this.#choose(views.get(inode));
  }

  #head({ kinds }: Matrix): HTMLElement {
    const { t } = this.#page;
    const head = (text: string, title: string) =>
      element('th', { text, attributes: { scope: 'col', ...(title !== '' && { title }) } });
    return element('tr', {}, [
      head(t('Container'), ''),
      ...kinds.map((kind) => head(kind, kindWords(kind, t))),
      head(t('Apart from the host'), t('How many of its namespaces are not the host’s')),
    ]);
  }

  #row(
    options: {
      readonly name: string;
      readonly className: string;
      readonly at: number;
      readonly row?: RowView;
      readonly columns: readonly (readonly NamespaceView[])[];
      readonly above?: RowView | undefined;
      readonly below?: RowView | undefined;
    },
    cells: Cell[],
  ): HTMLElement {
    const { name, className, at, row, columns, above, below } = options;
    const joins = (other: RowView | undefined, column: number) =>
      columns[column]?.some(({ mark, inode }) => mark !== '' && other?.cells[column]?.includes(inode)) ?? false;
    return element('tr', { class: className }, [
      element('th', { attributes: { scope: 'row' } }, [
        element('span', { class: 'name', text: name }),
        ...(row && row.engine !== 'porthole' ? [element('span', { class: 'muted engine', text: row.engine })] : []),
      ]),
      ...columns.map((views, column) =>
        element(
          'td',
          { class: `${joins(above, column) ? 'above ' : ''}${joins(below, column) ? 'below' : ''}` },
          views.map((view) => {
            const button = this.#chip(view, name);
            cells.push({ row: at, column, view, button });
            return button;
          }),
        ),
      ),
      element('td', { class: 'apart' }, row ? this.#difference(columns) : []),
    ]);
  }

  #chip(view: NamespaceView, name: string): HTMLElement {
    const { t } = this.#page;
    const look = view.host ? 'host' : view.mark === '' ? 'own' : `shared hue${hueOf(view.mark)}`;
    const words = sharingWords(view, name, t);
    return element(
      'button',
      {
        class: `chip ${look}`,
        attributes: {
          tabindex: '-1',
          'aria-pressed': 'false',
          'data-inode': String(view.inode),
          title: `${view.kind}: ${words}`,
        },
        on: { click: () => this.#choose(view) },
      },
      [
        element('span', { text: markWords(view, t) }),
        element('span', { class: 'visually-hidden', text: `, ${words}` }),
      ],
    );
  }

  /** How many of its namespaces are not the host's, and which are. */
  #difference(columns: readonly (readonly NamespaceView[])[]): readonly Node[] {
    const { t } = this.#page;
    const first = columns.flatMap((views) => views[0] ?? []);
    const common = first.filter(({ host }) => host).map(({ kind }) => kind);
    const words = t('{0} of {1} apart', first.length - common.length, first.length);
    return [
      element('span', { class: common.length > 0 ? '' : 'all', text: words }),
      ...(common.length === 0
        ? []
        : [element('span', { class: 'muted common', text: t('with the host: {0}', common.join(', ')) })]),
    ];
  }

  #choose(view: NamespaceView | undefined): void {
    for (const cell of this.#cells) {
      const isIt = cell.view.inode === view?.inode;
      cell.button.setAttribute('aria-pressed', String(isIt));
    }
    const at = this.#cells.find(({ button }) => button === document.activeElement);
    if (at) this.#stop(at);
    this.#chosen(view);
  }

  /** All cells of one namespace stand out together. */
  #light(inode: string): void {
    for (const { button } of this.#cells) {
      button.classList.toggle('lit', inode !== '' && button.getAttribute('data-inode') === inode);
    }
  }

  /** The cell at which the tab key stops. */
  #stop(cell: Cell | undefined): void {
    this.#at?.button.setAttribute('tabindex', '-1');
    this.#at = cell;
    cell?.button.setAttribute('tabindex', '0');
  }

  #key(event: KeyboardEvent): void {
    const at = this.#cells.find(({ button }) => button === document.activeElement);
    if (!at || event.ctrlKey || event.metaKey || event.altKey) return;
    const inRow = this.#cells.filter(({ row }) => row === at.row);
    const place = inRow.indexOf(at);
    const upright = (step: number) => {
      const rows = [...new Set(this.#cells.map(({ row }) => row))];
      const row = rows[rows.indexOf(at.row) + step];
      const beside = this.#cells.filter((cell) => cell.row === row);
      return beside.find(({ column }) => column >= at.column) ?? beside.at(-1);
    };
    const moves: Readonly<Record<string, () => Cell | undefined>> = {
      ArrowLeft: () => inRow[place - 1],
      ArrowRight: () => inRow[place + 1],
      ArrowUp: () => upright(-1),
      ArrowDown: () => upright(1),
      Home: () => inRow[0],
      End: () => inRow.at(-1),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const next = move();
    if (!next) return;
    this.#stop(next);
    next.button.focus();
  }
}

const hueOf = (mark: string): number => (mark.charCodeAt(mark.length - 1) - 65) % hues;

function cellOf(target: EventTarget | null): string {
  return target instanceof Element ? (target.closest('[data-inode]')?.getAttribute('data-inode') ?? '') : '';
}
