import './birth.css';
import { formatNanoseconds } from '../../src/base/units.ts';
import { type PanelSubject, ToBirth } from '../../src/protocol/panels.ts';
import type { Trace } from '../../src/protocol/trace.ts';
import { Channel } from '../shared/channel.ts';
import { byId, element } from '../shared/dom.ts';
import { Texts } from '../shared/texts.ts';
import { registerToolkit } from '../shared/toolkit.ts';
import { stepTable } from './table.ts';
import { matches, summarize, timeline } from './timeline.ts';

/** The birth of a container: its trace as a timeline that is a table. */
class BirthPage {
  readonly #channel: Channel<ToBirth>;
  #texts = new Texts({});
  #subject: PanelSubject | undefined;
  #shown: { trace: Trace; planned: boolean } | undefined;
  #filter: string;

  constructor() {
    this.#channel = new Channel(ToBirth, (message) => this.#receive(message));
    this.#filter = this.#channel.keptText('filter');
    this.#channel.post({ type: 'ready' });
  }

  #receive(message: ToBirth): void {
    switch (message.type) {
      case 'start':
        this.#texts = new Texts(message.texts);
        this.#subject = message.subject;
        document.documentElement.lang = message.locale;
        this.#channel.keepSubject(message.subject);
        this.#frame(message.subject);
        break;
      case 'trace':
        this.#shown = message;
        byId('problem').textContent = '';
        this.#renderSummary(message.trace, message.planned);
        this.#renderTable();
        break;
      case 'problem':
        byId('problem').textContent = message.message;
        break;
    }
  }

  /** What stays while traces come and go, so that the filter box never loses the focus. */
  #frame(subject: PanelSubject): void {
    const { t } = this.#bound();
    const filter = element('vscode-text-field', {
      class: 'filter',
      attributes: { placeholder: t('Filter steps'), 'aria-label': t('Filter steps'), value: this.#filter },
      on: { input: (event) => this.#onFilter(event) },
    });
    byId('app').replaceChildren(
      element('h1', { text: t('Birth of {0}', subject.name) }),
      element('p', { class: 'muted', text: t('Every kernel operation that made this container, in order.') }),
      element('div', { class: 'problem', attributes: { id: 'problem', role: 'alert' } }),
      element('div', { class: 'notice', attributes: { id: 'notice' } }),
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
          on: { click: () => this.#channel.post({ type: 'refresh' }) },
        }),
        element('span', { class: 'muted', attributes: { id: 'count', role: 'status' } }),
      ]),
      element('div', { attributes: { id: 'steps' } }),
    );
  }

  #renderSummary(trace: Trace, planned: boolean): void {
    const { t } = this.#bound();
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
          fact(t('Started'), new Date(trace.startedAt).toLocaleString(document.documentElement.lang)),
        ];
    byId('summary').replaceChildren(...facts);
    byId('notice').textContent = planned
      ? t('This container has not been started yet: these are the steps that its start would run.')
      : '';
  }

  #renderTable(): void {
    if (!this.#shown) return;
    const { t } = this.#bound();
    const { trace, planned } = this.#shown;
    const rows = timeline(trace).filter(({ step }) => matches(step, this.#filter));
    byId('count').textContent = this.#filter ? t('{0} of {1} steps', rows.length, trace.steps.length) : '';
    byId('steps').replaceChildren(
      stepTable(rows, { planned, t, name: this.#subject?.name ?? '', id: this.#subject?.container ?? '' }),
    );
  }

  #onFilter(event: Event): void {
    const field = event.target;
    this.#filter = field && 'value' in field && typeof field.value === 'string' ? field.value : '';
    this.#channel.keepText('filter', this.#filter);
    this.#renderTable();
  }

  #copy(): void {
    const lines = (this.#shown?.trace.steps ?? []).map((step) => {
      const time = 'nanoseconds' in step.result ? formatNanoseconds(step.result.nanoseconds) : '';
      return `${step.list}\t${'  '.repeat(step.depth)}${step.line}\t${step.result.state}\t${time}`;
    });
    this.#channel.post({ type: 'copy', text: `${lines.join('\n')}\n` });
  }

  #bound() {
    return { t: this.#texts.t.bind(this.#texts) };
  }
}

registerToolkit();
new BirthPage();
