import './logs.css';
import { type LogLine, mostLines, ToLogs } from '../../src/protocol/log-page.ts';
import type { PanelSubject } from '../../src/protocol/pages.ts';
import { byId, element } from '../shared/dom.ts';
import { type Frame, openPage, type Page, type View } from '../shared/page.ts';
import { plainText, spansOf } from './ansi.ts';
import { finder, found, inScope, marked, places, type Wanted } from './search.ts';

/** Rows beyond the edges that are drawn too. */
const margin = 20;
/** Pixels of a row; the style sheet has the same. */
const rowHeight = 20;

/** What containers have written: only the rows that can be seen are in the document. */
class LogsView implements View<ToLogs> {
  readonly #page: Page;
  #names: readonly string[] = [];
  #lines: LogLine[] = [];
  #shown: LogLine[] = [];
  #skipped = 0;
  #hit = -1;
  #follows = true;
  #drawn = false;

  constructor(page: Page) {
    this.#page = page;
  }

  frame({ name }: PanelSubject): Frame {
    const { t } = this.#page;
    const check = (id: string, words: string) =>
      element('label', { class: 'check' }, [
        element('input', {
          attributes: { type: 'checkbox', id, ...(this.#page.kept(id) && { checked: '' }) },
          on: { change: () => this.#chosen() },
        }),
        document.createTextNode(words),
      ]);
    const select = (id: string, label: string, options: readonly (readonly [string, string])[]) =>
      element(
        'select',
        { attributes: { id, 'aria-label': label }, on: { change: () => this.#chosen() } },
        options.map(([value, text]) =>
          element('option', { text, attributes: { value, ...(this.#page.kept(id) === value && { selected: '' }) } }),
        ),
      );
    return {
      title: t('Logs of {0}', name),
      lead: '',
      parts: [
        element('div', { class: 'bar' }, [
          element('input', {
            class: 'words',
            attributes: {
              id: 'words',
              type: 'search',
              placeholder: t('Find'),
              'aria-label': t('Find'),
              value: this.#page.kept('words'),
            },
            on: { input: () => this.#chosen(), keydown: (event) => this.#onKey(event) },
          }),
          check('expression', t('Regular expression')),
          check('only', t('Only lines that match')),
          select('stream', t('Stream'), [
            ['all', t('both streams')],
            ['stdout', 'stdout'],
            ['stderr', 'stderr'],
          ]),
          select('since', t('Since'), [
            ['0', t('from the beginning')],
            ['1', t('last minute')],
            ['10', t('last 10 minutes')],
            ['60', t('last hour')],
          ]),
          check('times', t('Times')),
          this.#button('follow', t('Follow'), () => this.#follow()),
          this.#button('save', t('Save…'), () =>
            this.#page.post({ type: 'save', name: this.#fileName(), text: this.#text() }),
          ),
        ]),
        element('p', { class: 'muted', attributes: { id: 'count', role: 'status' } }),
        element(
          'div',
          {
            class: 'lines',
            attributes: { id: 'lines', tabindex: '0', role: 'region', 'aria-label': t('Lines') },
            on: { scroll: () => this.#onScroll() },
          },
          [element('div', { attributes: { id: 'room' } })],
        ),
      ],
    };
  }

  receive(message: ToLogs): void {
    switch (message.type) {
      case 'sources':
        this.#names = message.names;
        this.#lines = [];
        this.#skipped = 0;
        this.#page.notice('');
        this.#choose();
        break;
      case 'lines':
        this.#skipped += message.skipped;
        this.#add(message.lines);
        break;
      case 'over':
        this.#page.notice(message.message);
        break;
    }
  }

  /** Lines of several containers come in the order of their times; those of one in the order in which they were written. */
  #add(lines: readonly LogLine[]): void {
    const late = this.#names.length > 1 && (lines[0]?.at ?? 0) < (this.#lines.at(-1)?.at ?? 0);
    this.#lines.push(...lines);
    if (this.#names.length > 1) this.#lines.sort((a, b) => a.at - b.at);
    const tooMany = this.#lines.length - mostLines;
    if (tooMany > 0) {
      this.#lines.splice(0, tooMany);
      this.#skipped += tooMany;
    }
    if (late || tooMany > 0) this.#choose();
    else {
      const fits = this.#filter();
      if (fits) this.#shown.push(...lines.filter(fits));
      this.#later();
    }
  }

  #wanted(): Wanted & { only: boolean } {
    const text = (id: string) => control(id).value;
    const stream = text('stream');
    return {
      text: text('words'),
      expression: isChecked('expression'),
      only: isChecked('only'),
      stream: stream === 'stdout' || stream === 'stderr' ? stream : 'all',
      since: Number(text('since')) === 0 ? 0 : Date.now() - Number(text('since')) * 60_000,
    };
  }

  /** Undefined: what was typed is no expression, which is said. */
  #filter(): ((line: LogLine) => boolean) | undefined {
    const wanted = this.#wanted();
    const pattern = finder(wanted);
    byId('words').setAttribute('aria-invalid', String(pattern instanceof Error));
    if (pattern instanceof Error) return undefined;
    return (line) => inScope(line, wanted) && (!wanted.only || pattern === undefined || found(line, pattern));
  }

  #chosen(): void {
    for (const id of ['words', 'stream', 'since']) this.#page.keep(id, control(id).value);
    for (const id of ['expression', 'only', 'times']) this.#page.keep(id, isChecked(id) ? 'on' : '');
    this.#hit = -1;
    this.#choose();
  }

  #choose(): void {
    const fits = this.#filter();
    if (fits) this.#shown = this.#lines.filter(fits);
    this.#later();
  }

  /** Many lines can come before the next picture is drawn. */
  #later(): void {
    if (this.#drawn) return;
    this.#drawn = true;
    requestAnimationFrame(() => {
      this.#drawn = false;
      this.#draw();
    });
  }

  #draw(): void {
    const { t } = this.#page;
    const box = byId('lines');
    byId('room').style.height = `${this.#shown.length * rowHeight}px`;
    byId('room').classList.toggle('times', isChecked('times'));
    if (this.#follows) box.scrollTop = box.scrollHeight;
    byId('follow').setAttribute('appearance', this.#follows ? 'primary' : 'secondary');
    byId('follow').setAttribute('aria-pressed', String(this.#follows));
    const { length } = this.#shown;
    const pattern = finder(this.#wanted());
    const first = Math.max(0, Math.floor(box.scrollTop / rowHeight) - margin);
    const last = Math.min(length, first + Math.ceil(box.clientHeight / rowHeight) + 2 * margin);
    byId('room').replaceChildren(
      ...this.#shown
        .slice(first, last)
        .map((line, at) => this.#row(line, first + at, pattern instanceof Error ? undefined : pattern)),
    );
    byId('count').textContent = [
      pattern instanceof Error
        ? t('That is no regular expression.')
        : t('{0} of {1} lines', length, this.#lines.length),
      ...(this.#skipped > 0 ? [t('{0} older ones are not shown', this.#skipped)] : []),
      ...(pattern !== undefined && !(pattern instanceof Error)
        ? [t('Enter finds the next, Shift+Enter the one before')]
        : []),
    ].join(' · ');
  }

  #row(line: LogLine, at: number, pattern: RegExp | undefined): HTMLElement {
    const spans = spansOf(line.text);
    const marks = pattern === undefined ? [] : places(spans.map(({ text }) => text).join(''), pattern);
    const row = element('div', { class: `line ${line.stream}${at === this.#hit ? ' current' : ''}` }, [
      ...(line.at > 0 ? [element('time', { text: new Date(line.at).toLocaleTimeString(this.#page.locale) })] : []),
      ...(this.#names.length > 1
        ? [element('span', { class: `source of${line.source % 4}`, text: this.#names[line.source] ?? '' })]
        : []),
      ...(line.stream === 'stderr' ? [element('span', { class: 'err', text: 'err' })] : []),
      element(
        'code',
        {},
        marked(spans, marks).map(({ text, look, hit }) => element(hit ? 'mark' : 'span', { text, class: look })),
      ),
    ]);
    row.style.top = `${at * rowHeight}px`;
    return row;
  }

  #onScroll(): void {
    const box = byId('lines');
    this.#follows = box.scrollTop + box.clientHeight >= box.scrollHeight - rowHeight;
    this.#later();
  }

  #follow(): void {
    this.#follows = !this.#follows;
    this.#later();
  }

  #onKey(event: Event): void {
    if (!(event instanceof KeyboardEvent) || event.key !== 'Enter') return;
    const pattern = finder(this.#wanted());
    if (pattern === undefined || pattern instanceof Error || this.#shown.length === 0) return;
    const { length } = this.#shown;
    const step = event.shiftKey ? -1 : 1;
    const start = this.#hit === -1 && step === -1 ? length : this.#hit;
    for (let tries = 1; tries <= length; tries += 1) {
      const at = (start + step * tries + length * 2) % length;
      const line = this.#shown[at];
      if (!line || !found(line, pattern)) continue;
      this.#hit = at;
      this.#follows = false;
      const box = byId('lines');
      box.scrollTop = at * rowHeight - box.clientHeight / 2;
      this.#later();
      return;
    }
  }

  /** What is shown, without its looks. */
  #text(): string {
    const lines = this.#shown.map((line) =>
      [
        ...(line.at > 0 ? [new Date(line.at).toISOString()] : []),
        ...(this.#names.length > 1 ? [this.#names[line.source] ?? ''] : []),
        line.stream,
        plainText(line.text),
      ].join(' '),
    );
    // What one message may hold; the newest lines are wanted most.
    return `${lines.join('\n')}\n`.slice(-9_000_000);
  }

  #fileName(): string {
    return `${this.#page.subject.name.replaceAll(/[^\w.-]/g, '_').slice(0, 150) || 'container'}.log`;
  }

  #button(id: string, text: string, click: () => void): HTMLElement {
    return element('vscode-button', { text, attributes: { id, appearance: 'secondary' }, on: { click } });
  }
}

function control(id: string): { value: string } {
  const found = byId(id);
  if (found instanceof HTMLInputElement || found instanceof HTMLSelectElement) return found;
  throw new Error(`#${id} has no value`);
}

function isChecked(id: string): boolean {
  const found = byId(id);
  return found instanceof HTMLInputElement && found.checked;
}

openPage(ToLogs, (page) => new LogsView(page));
