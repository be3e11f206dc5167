/** What an element is given: attributes as strings, listeners by event name, the rest through its own methods. */
export interface ElementOptions {
  readonly class?: string;
  readonly text?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
}

/** Makes an element. Text goes in as text: nothing in these pages ever parses HTML. */
export function element(tag: string, options: ElementOptions = {}, children: readonly Node[] = []): HTMLElement {
  const made = document.createElement(tag);
  if (options.class) made.className = options.class;
  if (options.text !== undefined) made.textContent = options.text;
  for (const [name, value] of Object.entries(options.attributes ?? {})) made.setAttribute(name, value);
  for (const [name, listener] of Object.entries(options.on ?? {})) made.addEventListener(name, listener);
  made.append(...children);
  return made;
}

/** The element that the page's skeleton promises. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element #${id}`);
  return found;
}

/** A row of name and value cells; the name is the row's header for screen readers. */
export function factRow(name: string, value: string, options: { alarming?: boolean } = {}): HTMLElement {
  return element('tr', options.alarming ? { class: 'alarming' } : {}, [
    element('th', { text: name, attributes: { scope: 'row' } }),
    element('td', { text: value }),
  ]);
}
