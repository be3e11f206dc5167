import { element } from './dom.ts';

export interface Tab {
  readonly id: string;
  readonly text: string;
  readonly content: HTMLElement;
  /** It is shown for the first time. */
  first?(): void;
}

/** Tabs by the WAI-ARIA Authoring Practices: arrows move between them, and what they name is shown at once. */
export class Tabs {
  readonly node: HTMLElement;
  readonly #tabs: readonly Tab[];
  readonly #buttons: readonly HTMLElement[];
  readonly #seen = new Set<string>();
  readonly #chosen: (id: string) => void;

  constructor(tabs: readonly Tab[], { label, chosen }: { label: string; chosen: (id: string) => void }) {
    this.#tabs = tabs;
    this.#chosen = chosen;
    this.#buttons = tabs.map(({ id, text }, index) =>
      element('button', {
        text,
        attributes: { id: `tab-${id}`, role: 'tab', 'aria-controls': `panel-${id}` },
        on: {
          click: () => this.choose(id),
          keydown: (event) => {
            if (event instanceof KeyboardEvent) this.#key(event, index);
          },
        },
      }),
    );
    for (const { id, content } of tabs) {
      content.id = `panel-${id}`;
      content.setAttribute('role', 'tabpanel');
      content.setAttribute('aria-labelledby', `tab-${id}`);
    }
    this.node = element('div', { class: 'tabs' }, [
      element('div', { class: 'tablist', attributes: { role: 'tablist', 'aria-label': label } }, [...this.#buttons]),
      ...tabs.map(({ content }) => content),
    ]);
  }

  choose(id: string): void {
    for (const [index, tab] of this.#tabs.entries()) {
      const isChosen = tab.id === id;
      this.#buttons[index]?.setAttribute('aria-selected', String(isChosen));
      this.#buttons[index]?.setAttribute('tabindex', isChosen ? '0' : '-1');
      tab.content.hidden = !isChosen;
      if (!isChosen || this.#seen.has(id)) continue;
      this.#seen.add(id);
      tab.first?.();
    }
    this.#chosen(id);
  }

  rename(id: string, text: string): void {
    const button = this.#buttons[this.#tabs.findIndex((tab) => tab.id === id)];
    if (button) button.textContent = text;
  }

  #key(event: KeyboardEvent, index: number): void {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const next = (index + step + this.#tabs.length) % this.#tabs.length;
    const tab = this.#tabs[next];
    if (step === 0 || !tab) return;
    event.preventDefault();
    this.choose(tab.id);
    this.#buttons[next]?.focus();
  }
}
