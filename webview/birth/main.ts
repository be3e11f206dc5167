import './birth.css';
import { formatNanoseconds } from '../../src/base/units.ts';
import type { PanelSubject } from '../../src/protocol/pages.ts';
import { ToBirth } from '../../src/protocol/panels.ts';
import type { Trace } from '../../src/protocol/trace.ts';
import { byId, element } from '../shared/dom.ts';
import { type Frame, openPage, type Page, type View } from '../shared/page.ts';
import { stepTable } from './table.ts';
import { matches, summarize, timeline } from './timeline.ts';

/** The birth of a container: its trace as a timeline that is a table. */
class BirthView implements View<ToBirth> {
  readonly #page: Page;
  #shown: ToBirth | undefined;
  #filter: string;

  constructor(page: Page) {
    this.#page = page;
    this.#filter = page.kept('filter');
  }

  receive(message: ToBirth): void {
    this.#shown = message;
    this.#renderSummary(message.trace, message.planned);
    this.#renderTable();
  }

  /** What stays while traces come and go, so that the filter box never loses the focus. */
  frame({ name }: PanelSubject): Frame {
    const { t } = this.#page;
    const filter = element('vscode-text-field', {
      class: 'filter',
      attributes: { placeholder: t('Filter steps'), 'aria-label': t('Filter steps'), value: this.#filter },
      on: { input: (event) => this.#onFilter(event) },
    });
    return {
      title: t('Birth of {0}', name),
      lead: t('Every kernel operation that made this container, in order.'),
      parts: [
        element('dl', { class: 'facts', attributes: { id: 'summary' } }),
        element('div', { class: 'bar' }, [
          filter,
          element('vscode-button', {
            text: t('Copy as text'),
            attributes: { appearance: 'secondary' },
            on: { click: () => this.#copy() },
          }),
          element('vscode-button', {
            text: t('Refresh'),
            attributes: { appearance: 'secondary' },
            on: { click: () => this.#page.post({ type: 'refresh' }) },
          }),
          element('span', { class: 'muted', attributes: { id: 'count', role: 'status' } }),
        ]),
        element('div', { attributes: { id: 'steps' } }),
      ],
    };
  }

  #renderSummary(trace: Trace, planned: boolean): void {
    const { t } = this.#page;
    const { nanoseconds, done, tolerated, failed, notRun, slowest } = summarize(trace);
    const fact = (name: string, value: string) =>
      element('div', {}, [element('dt', { text: name }), element('dd', { text: value })]);
    const facts = planned
      ? [fact(t('Planned steps'), String(trace.steps.length))]
      : [
          fact(t('Total time'), formatNanoseconds(nanoseconds)),
          fact(t('Steps done'), String(done)),
          ...(tolerated > 0 ? [fact(t('Not needed here'), String(tolerated))] : []),
          ...(failed > 0 ? [fact(t('Failed'), String(failed))] : []),
          ...(notRun > 0 ? [fact(t('Not run'), String(notRun))] : []),
          ...(slowest && 'nanoseconds' in slowest.result
            ? [fact(t('Slowest step'), `${slowest.op} ${formatNanoseconds(slowest.result.nanoseconds)}`)]
            : []),
          ...(trace.pid === undefined ? [] : [fact(t('Process id on the host'), String(trace.pid))]),
          fact(t('Started'), new Date(trace.startedAt).toLocaleString(this.#page.locale)),
        ];
    byId('summary').replaceChildren(...facts);
    this.#page.notice(
      planned ? t('This container has not been started yet: these are the steps that its start would run.') : '',
    );
  }

  #renderTable(): void {
    if (!this.#shown) return;
    const { t } = this.#page;
    const { trace, planned } = this.#shown;
    const rows = timeline(trace).filter(({ step }) => matches(step, this.#filter));
    byId('count').textContent = this.#filter ? t('{0} of {1} steps', rows.length, trace.steps.length) : '';
    byId('steps').replaceChildren(
      stepTable(rows, { planned, t, name: this.#page.subject.name, id: this.#page.subject.id }),
    );
  }

  #onFilter(event: Event): void {
    const field = event.target;
    this.#filter = field && 'value' in field && typeof field.value === 'string' ? field.value : '';
    this.#page.keep('filter', this.#filter);
    this.#renderTable();
  }

  #copy(): void {
    const lines = (this.#shown?.trace.steps ?? []).map((step) => {
      const time = 'nanoseconds' in step.result ? formatNanoseconds(step.result.nanoseconds) : '';
      return `${step.list}\t${'  '.repeat(step.depth)}${step.line}\t${step.result.state}\t${time}`;
    });
    this.#page.post({ type: 'copy', text: `${lines.join('\n')}\n` });
  }
}

openPage(ToBirth, (page) => new BirthView(page));
