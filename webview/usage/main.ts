import './usage.css';
import { formatMemory, formatPercent, formatSize } from '../../src/base/units.ts';
import type { PanelSubject } from '../../src/protocol/pages.ts';
import { type FromUsage, ToUsage, type UsageMark } from '../../src/protocol/usage-page.ts';
import { Chart } from '../shared/chart.ts';
import { byId, element } from '../shared/dom.ts';
import { type Frame, openPage, type Page, type View } from '../shared/page.ts';
import { csvOf } from './csv.ts';
import { LimitsForm } from './limits.ts';
import { type ChartId, linesOfMany, linesOfOne } from './lines.ts';
import { Series, within } from './series.ts';
import { factsTable, historyTable } from './tables.ts';

const decimalSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000];
const binarySteps = Array.from({ length: 36 }, (_, power) => 2 ** (power + 10));
const chartIds = ['cpu', 'memory', 'throttled', 'disk', 'pids', 'pressure'] as const satisfies readonly ChartId[];

/** Use of one container's cgroup or several: what was and what is, the limits, and the table of the numbers behind each chart. */
class UsageView implements View<ToUsage> {
  readonly #page: Page<FromUsage>;
  #names: readonly string[] = [];
  #series: Series[] = [];
  readonly #marks = new Map<number, readonly UsageMark[]>();
  readonly #ended = new Map<number, string>();
  #charts: Readonly<Record<ChartId, Chart>> | undefined;
  #limits: LimitsForm | undefined;
  #since = 0;
  #chosen = 0;
  #due = false;

  constructor(page: Page<FromUsage>) {
    this.#page = page;
  }

  receive(message: ToUsage): void {
    switch (message.type) {
      case 'containers':
        this.#setContainers(message);
        break;
      case 'history':
        this.#series[message.source]?.setPast(message.history);
        this.#since = message.history.since;
        break;
      case 'marks':
        this.#marks.set(message.source, message.marks);
        break;
      case 'reading':
        this.#ended.delete(message.source);
        this.#series[message.source]?.add(message.reading);
        break;
      case 'ended':
        this.#ended.set(message.source, message.message);
        this.#series[message.source]?.end(Date.now());
        break;
      case 'plan':
        this.#limits?.planned(message.plan);
        return;
      case 'applied':
        this.#limits?.applied(message.warnings);
        return;
      case 'refused':
        this.#limits?.refused(message.message);
        return;
    }
    this.#page.notice([...this.#ended.values()].join(' '));
    this.#renderSoon();
  }

  themeChanged(): void {
    for (const chart of this.#charts ? Object.values(this.#charts) : []) chart.redraw();
  }

  frame({ name }: PanelSubject): Frame {
    const { t } = this.#page;
    const percent = { format: formatPercent, formatMark: (value: number) => `${value}%`, steps: decimalSteps, t };
    const perSecond = (value: number) => `${formatSize(value)}/s`;
    this.#charts = {
      cpu: new Chart({ ...percent, title: t('CPU'), atLeast: 10 }),
      memory: new Chart({ title: t('Memory'), format: formatMemory, steps: binarySteps, atLeast: 1024 * 1024, t }),
      throttled: new Chart({ ...percent, title: t('Periods held back by the CPU limit'), atLeast: 10 }),
      disk: new Chart({
        title: t('Disk'),
        format: perSecond,
        steps: decimalSteps.flatMap(thousands),
        atLeast: 1000,
        t,
      }),
      pids: new Chart({ title: t('PIDs'), format: rounded, steps: decimalSteps, atLeast: 4, t }),
      pressure: new Chart({ ...percent, title: t('Time lost waiting'), atLeast: 10 }),
    };
    this.#limits = new LimitsForm({
      t,
      source: () => this.#chosen,
      post: (message) => this.#page.post(message),
    });
    return {
      title: t('cgroup usage of {0}', name),
      lead: t('Waiting for the first reading…'),
      parts: [
        element('div', { class: 'bar' }, [
          element('label', {}, [document.createTextNode(`${t('Time')} `), this.#range()]),
          element('label', { attributes: { id: 'which', hidden: '' } }, [
            document.createTextNode(`${t('Numbers and limits of')} `),
            element('select', { attributes: { id: 'source' }, on: { change: (event) => this.#onSource(event) } }),
          ]),
          element('vscode-button', {
            text: t('Save as CSV…'),
            attributes: { appearance: 'secondary' },
            on: { click: () => this.#save() },
          }),
          element('span', { class: 'muted', attributes: { id: 'since' } }),
        ]),
        element(
          'div',
          { class: 'charts' },
          chartIds.flatMap((id) => (this.#charts ? [this.#charts[id].node] : [])),
        ),
        element('div', { class: 'columns' }, [
          this.#limits.node,
          element('section', { attributes: { 'aria-label': t('Readings of the cgroup') } }, [
            element('h2', { text: t('All numbers') }),
            element('div', { attributes: { id: 'numbers' } }),
          ]),
        ]),
        element('details', {}, [
          element('summary', { text: t('The last readings') }),
          element('div', { attributes: { id: 'history' } }),
        ]),
      ],
    };
  }

  #range(): HTMLElement {
    const { t } = this.#page;
    const choices = [
      ['1', t('last minute')],
      ['10', t('last 10 minutes')],
      ['60', t('last hour')],
    ] as const;
    return element(
      'select',
      { attributes: { id: 'range' }, on: { change: (event) => this.#onRange(event) } },
      choices.map(([value, text]) =>
        element('option', { text, attributes: { value, ...(value === this.#minutes() && { selected: '' }) } }),
      ),
    );
  }

  #minutes(): string {
    return this.#page.kept('range') || '10';
  }

  #onRange(event: Event): void {
    this.#page.keep('range', chosenIn(event));
    this.#render();
  }

  #onSource(event: Event): void {
    this.#chosen = Number(chosenIn(event)) || 0;
    this.#page.keep('source', String(this.#chosen));
    this.#limits?.reset();
    this.#render();
  }

  #setContainers({ names, plans }: { readonly names: readonly string[]; readonly plans: boolean }): void {
    if (names.length !== this.#series.length) this.#series = names.map(() => new Series());
    this.#names = names;
    this.#chosen = Math.min(Number(this.#page.kept('source')) || 0, Math.max(0, names.length - 1));
    byId('which').hidden = names.length < 2;
    byId('source').replaceChildren(
      ...names.map((name, source) =>
        element('option', {
          text: name,
          attributes: { value: String(source), ...(source === this.#chosen && { selected: '' }) },
        }),
      ),
    );
    this.#limits?.setEngine(plans);
  }

  /** What comes together is drawn together. */
  #renderSoon(): void {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#render();
    });
  }

  #render(): void {
    if (!this.#charts) return;
    const { t } = this.#page;
    const minutes = Number(this.#minutes());
    const all = this.#series.map((one) => one.points);
    const to = Math.max(...all.map((points) => points.at(-1)?.at ?? 0)) / 1000;
    const points = all.map((one) => within(one, { minutes, to: to * 1000 }));
    const oldest = Math.min(...points.map((one) => (one[0]?.at ?? to * 1000) / 1000));
    // The first readings fill from the right of a whole minute, instead of being stretched over the width.
    const from = Math.max(to - minutes * 60, Math.min(oldest, to - 60));
    const lines = this.#names.length > 1 ? linesOfMany(this.#names) : linesOfOne(t);
    const marks = this.#names.length > 1 ? [] : (this.#marks.get(0) ?? []);
    const reading = this.#series[this.#chosen]?.reading;
    for (const id of chartIds) {
      this.#charts[id].update({ lines: lines[id], points, marks, from, to, empty: this.#why(id) });
    }
    if (reading) this.#page.lead(t('cgroup v{0}, {1}', reading.version, reading.path));
    byId('since').textContent = this.#since
      ? t('Kept since {0}: the agent began then.', new Date(this.#since).toLocaleTimeString(this.#page.locale))
      : '';
    this.#limits?.show(reading);
    const own = points[this.#chosen] ?? [];
    byId('numbers').replaceChildren(
      reading ? factsTable(reading, own.at(-1), t) : element('p', { class: 'muted', text: t('Nothing is read now.') }),
    );
    byId('history').replaceChildren(historyTable(own, t));
  }

  /** Why a chart has nothing to show. */
  #why(id: ChartId): string {
    const { t } = this.#page;
    const reading = this.#series.find((one) => one.reading)?.reading;
    if (!reading) return t('No readings of this time.');
    if (id === 'pressure' && this.#page.subject.engine !== 'porthole') return t('This engine does not tell it.');
    if (id === 'pressure' && reading.version === 1)
      return t('With cgroup v1 the kernel measures it for the whole machine alone.');
    if (id === 'pressure') return t('This kernel does not measure it (psi=0).');
    if (id === 'throttled') return t('The next reading tells.');
    return t('The cgroup has no such controller, or the next reading tells.');
  }

  #save(): void {
    const [first = 'usage'] = this.#names;
    const text = csvOf(this.#names.map((name, source) => ({ name, points: this.#series[source]?.points ?? [] })));
    this.#page.post({ type: 'save', name: `${first.replaceAll(/[^\w.-]/g, '_').slice(0, 100)}-usage.csv`, text });
  }
}

const rounded = (value: number): string => String(Math.round(value));
const thousands = (step: number): number[] => [step * 1000];

function chosenIn({ target }: Event): string {
  return target instanceof HTMLSelectElement ? target.value : '';
}

openPage<ToUsage, FromUsage>(ToUsage, (page) => new UsageView(page));
