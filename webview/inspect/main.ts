import './inspect.css';
import { type FromInspect, ToInspect } from '../../src/protocol/inspect-page.ts';
import type { PanelSubject } from '../../src/protocol/pages.ts';
import { element } from '../shared/dom.ts';
import { type Frame, openPage, type Page, type View } from '../shared/page.ts';
import { Tabs } from '../shared/tabs.ts';
import { JsonPane } from './json-pane.ts';
import { summaryOf, tick } from './summary.ts';

/** Milliseconds between two looks at the clock. */
const beat = 15_000;

interface Parts {
  readonly summary: HTMLElement;
  readonly json: JsonPane;
  readonly tabs: Tabs;
}

/** What an engine says of an object: what people look for, and all of it. */
class InspectView implements View<ToInspect> {
  readonly #page: Page<FromInspect>;
  #parts: Parts | undefined;
  #text = '';

  constructor(page: Page<FromInspect>) {
    this.#page = page;
    setInterval(() => {
      if (this.#parts) tick(this.#parts.summary, page.locale);
    }, beat);
    window.addEventListener('keydown', (event) => {
      if (event.key.toLowerCase() !== 'f' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey)
        return;
      event.preventDefault();
      this.#parts?.tabs.choose('json');
      this.#parts?.json.focus();
    });
  }

  frame(subject: PanelSubject): Frame {
    const { t } = this.#page;
    const button = (id: string, text: string, click: () => void) =>
      element('vscode-button', { text, attributes: { id, appearance: 'secondary' }, on: { click } });
    const json = new JsonPane(this.#page, [
      button('copy-all', t('Copy All'), () => this.#page.post({ type: 'copy', text: this.#text.slice(0, 10_000_000) })),
      button('document', t('Open as JSON'), () => this.#page.post({ type: 'document' })),
    ]);
    const summary = element('div', { class: 'flow' });
    const parts = element('div', { class: 'parts', attributes: { tabindex: '0' } }, [summary]);
    const tabs = new Tabs(
      [
        { id: 'summary', text: t('Summary'), content: parts },
        { id: 'json', text: 'JSON', content: json.node },
      ],
      { label: t('What is to be seen'), chosen: (id) => this.#page.keep('tab', id) },
    );
    tabs.choose(this.#page.kept('tab') === 'json' ? 'json' : 'summary');
    this.#parts = { summary, json, tabs };
    return { title: titleOf(subject, this.#page.t), lead: subject.id, parts: [tabs.node] };
  }

  receive(message: ToInspect): void {
    if (message.type === 'gone') {
      this.#page.notice(message.message);
      return;
    }
    this.#page.notice('');
    this.#page.lead(message.where);
    if (message.json === this.#text) return;
    this.#text = message.json;
    this.#parts?.summary.replaceChildren(...summaryOf(message.sections, this.#page.locale || 'en'));
    this.#parts?.json.show(JSON.parse(message.json));
  }
}

function titleOf({ object, name }: PanelSubject, t: Page['t']): string {
  if (object === 'image') return t('Image {0}', name);
  return object === 'volume' ? t('Volume {0}', name) : t('Container {0}', name);
}

openPage<ToInspect, FromInspect>(ToInspect, (page) => new InspectView(page));
