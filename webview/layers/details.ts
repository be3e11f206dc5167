import type { FromLayers } from '../../src/protocol/layer-page.ts';
import type { PathVersion } from '../../src/protocol/layers.ts';
import { element } from '../shared/dom.ts';
import type { Page } from '../shared/page.ts';
import type { Item } from './outline.ts';
import { aspectWords, entryWords, kindLetters, kindWords } from './words.ts';

type Beside = Extract<FromLayers, { type: 'open' }>['beside'];

/** About the path that is active: what it can be seen beside, and which layers touched it. */
export class Details {
  readonly node: HTMLElement;
  readonly #page: Page<FromLayers>;
  #item: Item | undefined;

  constructor(page: Page<FromLayers>) {
    this.#page = page;
    this.node = element('section', {
      class: 'details',
      attributes: { id: 'details', 'aria-label': page.t('About the chosen path') },
    });
    this.show(undefined);
  }

  get item(): Item | undefined {
    return this.#item;
  }

  show(item: Item | undefined): void {
    this.#item = item;
    const { t } = this.#page;
    if (!item) {
      this.node.replaceChildren(
        element('p', { class: 'muted', text: t('Choose a path to see which layers touched it.') }),
      );
      return;
    }
    const { path, entry } = item;
    this.node.replaceChildren(
      element('h2', { text: `/${path}` }),
      ...(entry ? [element('p', { class: 'muted', text: entryWords(entry, t) })] : []),
      ...(entry && entry.type !== 'directory' ? [this.#actions(item)] : []),
      element('ol', { class: 'versions', attributes: { id: 'versions', 'aria-live': 'polite' } }),
    );
  }

  /** Which layers touched it. */
  versions(versions: readonly PathVersion[]): void {
    const list = this.node.querySelector('#versions');
    const item = this.#item;
    if (!list || !item) return;
    list.replaceChildren(...versions.map((version) => this.#version(item, version)));
  }

  #actions({ path, layer }: Item): HTMLElement {
    const { t } = this.#page;
    const button = (text: string, beside: Beside) =>
      element('vscode-button', {
        text,
        attributes: { appearance: beside === 'below' ? 'primary' : 'secondary', 'data-beside': beside },
        on: { click: () => this.#page.post({ type: 'open', position: layer, path, beside }) },
      });
    return element('div', { class: 'bar' }, [
      button(t('Compare with Below'), 'below'),
      button(t('Compare with Above'), 'above'),
      button(t('Compare with Image…'), 'image'),
      button(t('Compare with Container…'), 'container'),
      button(t('Open'), 'nothing'),
    ]);
  }

  #version({ path, entry }: Item, { position, kind, differs = [], withDirectory }: PathVersion): HTMLElement {
    const { t } = this.#page;
    const words = [
      kindWords(kind, t),
      ...(withDirectory ? [t('with its directory')] : []),
      ...(kind === 'modified' && differs.length > 0
        ? [differs.map((aspect) => aspectWords(aspect, t)).join(', ')]
        : []),
    ].join(': ');
    const name = t('Layer {0}', position + 1);
    const isFile = entry?.type !== 'directory';
    return element('li', {}, [
      element('span', { class: `kind ${kind}`, text: kindLetters[kind] }),
      isFile
        ? element('button', {
            class: 'link',
            text: name,
            on: { click: () => this.#page.post({ type: 'open', position, path, beside: 'below' }) },
          })
        : element('span', { text: name }),
      element('span', { class: 'muted', text: words }),
    ]);
  }
}
