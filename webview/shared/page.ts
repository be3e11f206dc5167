import * as v from 'valibot';
import { type FromPage, type PanelSubject, ToPage } from '../../src/protocol/pages.ts';
import { byId, element } from './dom.ts';
import { Texts } from './texts.ts';
import { registerToolkit } from './toolkit.ts';

interface VsCodeApi {
  postMessage(message: unknown): void;
  setState(state: unknown): void;
  getState(): unknown;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** What a page is made of once it knows what it is about. */
export interface Frame {
  readonly title: string;
  /** A sentence below the title; replaced with `page.lead`. */
  readonly lead: string;
  /** Below title, lead and what went wrong. */
  readonly parts: readonly Node[];
}

/** What one page has of its own. */
export interface View<In> {
  /** Called once, before anything is received. */
  frame(subject: PanelSubject): Frame;
  receive(message: In): void;
  /** Colours have changed; style sheets follow by themselves, what is drawn by a script does not. */
  themeChanged?(): void;
}

/**
 * Opens a page: says that it is ready, takes the words and the subject, shows what is being waited for and what went wrong.
 * The view is left with what only it can show.
 *
 * @param schema of the messages that only this page is sent; others are left alone
 * @example
 * openPage(ToBirth, (page) => new BirthView(page));
 */
export function openPage<In, Out = never>(
  schema: v.GenericSchema<unknown, In>,
  make: (page: Page<Out>) => View<In>,
): void {
  registerToolkit();
  const page = new Page<Out>(acquireVsCodeApi());
  const view = make(page);
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    const common = v.safeParse(ToPage, event.data);
    if (common.success) {
      page.receive(common.output, view);
      return;
    }
    const own = v.safeParse(schema, event.data);
    // Only the extension can reach this page; a message of another shape is one of a newer version, so it is left alone.
    if (!own.success) return;
    page.settle();
    view.receive(own.output);
  });
  // VS Code changes the classes of <body> and the variables of <html> when the theme changes.
  const observer = new MutationObserver(() => view.themeChanged?.());
  observer.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
  page.post({ type: 'ready' });
}

/** What a view is given: its words, its end of the wire, what it keeps, and the places for what is to be said. */
export class Page<Out = never> {
  readonly #api: VsCodeApi;
  #texts = new Texts({});
  #kept: Record<string, unknown>;
  #subject: PanelSubject = { host: '', engine: 'porthole', id: '', name: '' };

  constructor(api: VsCodeApi) {
    this.#api = api;
    const state = api.getState();
    this.#kept = typeof state === 'object' && state !== null ? { ...state } : {};
  }

  /** The user's words for an English sentence. */
  readonly t = (sentence: string, ...values: readonly (string | number)[]): string =>
    this.#texts.t(sentence, ...values);

  get subject(): PanelSubject {
    return this.#subject;
  }

  /** For numbers and dates. */
  get locale(): string {
    return document.documentElement.lang;
  }

  post(message: FromPage | Out): void {
    this.#api.postMessage(message);
  }

  /** Kept when the page is hidden or VS Code restarts. '' takes it away. */
  keep(name: string, text: string): void {
    this.#kept = { ...this.#kept, [name]: text };
    this.#api.setState(this.#kept);
  }

  /** '' when nothing was kept. */
  kept(name: string): string {
    const value = this.#kept[name];
    return typeof value === 'string' ? value : '';
  }

  lead(text: string): void {
    byId('lead').textContent = text;
  }

  /** Something worth knowing that is no failure; '' takes it away. */
  notice(text: string): void {
    byId('notice').textContent = text;
  }

  /** What was waited for has come. */
  settle(): void {
    byId('app').setAttribute('aria-busy', 'false');
    byId('problem').replaceChildren();
  }

  receive(message: ToPage, view: View<never>): void {
    switch (message.type) {
      case 'start':
        this.#texts = new Texts(message.texts);
        this.#subject = message.subject;
        document.documentElement.lang = message.locale;
        this.#kept = { ...this.#kept, subject: message.subject };
        this.#api.setState(this.#kept);
        this.#frame(view.frame(message.subject));
        break;
      case 'busy':
        byId('app').setAttribute('aria-busy', 'true');
        break;
      case 'problem':
        this.settle();
        byId('problem').replaceChildren(...this.#problem(message.message));
        break;
    }
  }

  #frame({ title, lead, parts }: Frame): void {
    document.title = title;
    byId('app').replaceChildren(
      element('div', { class: 'waiting', attributes: { 'aria-hidden': 'true' } }),
      element('h1', { text: title }),
      element('p', { class: 'muted', text: lead, attributes: { id: 'lead' } }),
      element('div', { class: 'problem', attributes: { id: 'problem', role: 'alert' } }),
      element('div', { class: 'notice', attributes: { id: 'notice', role: 'status' } }),
      ...parts,
    );
  }

  #problem(message: string): readonly Node[] {
    return [
      element('p', { text: message }),
      element('vscode-button', {
        text: this.t('Try Again'),
        attributes: { appearance: 'secondary' },
        on: { click: () => this.post({ type: 'refresh' }) },
      }),
    ];
  }
}
