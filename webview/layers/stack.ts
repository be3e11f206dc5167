import { formatSize } from '../../src/base/units.ts';
import type { LayerRow } from '../../src/protocol/layer-page.ts';
import { element } from '../shared/dom.ts';
import type { Page } from '../shared/page.ts';

const day = (time: string, locale: string): string =>
  new Date(time).toLocaleDateString(locale || 'en', { dateStyle: 'medium' });

/** The layers as they lie on each other, the lowest first, as in the Dockerfile: a list of which one is chosen. */
export class Stack {
  readonly node: HTMLElement;
  readonly #page: Page<never>;
  readonly #choose: (position: number) => void;
  #layers: readonly LayerRow[] = [];
  #chosen = 0;

  constructor(page: Page<never>, choose: (position: number) => void) {
    this.#page = page;
    this.#choose = choose;
    this.node = element('ol', {
      class: 'stack',
      attributes: { id: 'stack', role: 'listbox', tabindex: '0', 'aria-label': page.t('Layers, the lowest first') },
      on: {
        click: (event) => {
          const target = event.target instanceof Element ? event.target.closest('[data-position]') : undefined;
          if (target) this.choose(Number(target.getAttribute('data-position')));
        },
        keydown: (event) => {
          if (event instanceof KeyboardEvent) this.#key(event);
        },
      },
    });
  }

  show(layers: readonly LayerRow[], chosen: number): void {
    this.#layers = layers;
    const largest = Math.max(1, ...layers.map(({ size }) => size));
    this.node.replaceChildren(...layers.map((layer) => this.#item(layer, largest)));
    this.#mark(chosen);
  }

  choose(position: number): void {
    const bounded = Math.max(0, Math.min(position, this.#layers.length - 1));
    if (this.#layers.length === 0 || bounded === this.#chosen) return;
    this.#mark(bounded);
    this.#choose(bounded);
  }

  #mark(chosen: number): void {
    this.#chosen = chosen;
    for (const item of this.node.children) {
      const isChosen = item.getAttribute('data-position') === String(chosen);
      item.setAttribute('aria-selected', String(isChosen));
      if (isChosen) item.scrollIntoView({ block: 'nearest' });
    }
    this.node.setAttribute('aria-activedescendant', `layer-${chosen}`);
  }

  #item(layer: LayerRow, largest: number): HTMLElement {
    const { t, locale } = this.#page;
    const { position, instruction, size, entries, deletions, created, sharedBy, digest, blobSize, own } = layer;
    const facts = [
      entries === 1 ? t('1 entry') : t('{0} entries', entries),
      ...(deletions === 1 ? [t('1 deletion')] : deletions > 1 ? [t('{0} deletions', deletions)] : []),
      ...(created === undefined
        ? []
        : [own ? t('read at {0}', new Date(created).toLocaleTimeString(locale || 'en')) : day(created, locale)]),
    ];
    const bar = element('span', { class: 'share', attributes: { 'aria-hidden': 'true' } }, [
      element('span', { class: 'filled' }),
    ]);
    if (bar.firstElementChild instanceof HTMLElement) {
      bar.firstElementChild.style.width = `${Math.max(size > 0 ? 1 : 0, (size / largest) * 100)}%`;
    }
    return element(
      'li',
      {
        class: own ? 'layer own' : 'layer',
        attributes: {
          id: `layer-${position}`,
          role: 'option',
          'data-position': String(position),
          title: [
            instruction,
            digest,
            t('{0} in files, {1} stored', formatSize(size), formatSize(blobSize)),
            ...(created === undefined ? [] : [new Date(created).toLocaleString(locale || 'en')]),
            ...(sharedBy.length > 0 ? [t('Shared with {0}', sharedBy.join(', '))] : []),
          ].join('\n'),
        },
      },
      [
        element('span', { class: 'ordinal muted', text: String(position + 1) }),
        element(own ? 'strong' : 'code', { text: instruction }),
        element('span', { class: 'size number', text: formatSize(size) }),
        bar,
        element('span', { class: 'note muted', text: facts.join(' · ') }),
        ...(sharedBy.length === 0
          ? []
          : [element('span', { class: 'note muted shared', text: t('Shared with {0}', sharedBy.join(', ')) })]),
      ],
    );
  }

  #key(event: KeyboardEvent): void {
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: this.#chosen + 1,
      ArrowUp: this.#chosen - 1,
      Home: 0,
      End: this.#layers.length - 1,
    };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.choose(next);
  }
}
