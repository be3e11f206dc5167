import './usage.css';
import { formatMemory, formatPercent } from '../../src/base/units.ts';
import type { PanelSubject } from '../../src/protocol/pages.ts';
import { ToUsage } from '../../src/protocol/panels.ts';
import type { CgroupReading } from '../../src/protocol/usage.ts';
import { byId, element } from '../shared/dom.ts';
import { type Frame, openPage, type Page, type View } from '../shared/page.ts';
import { Chart } from './chart.ts';
import { Series } from './series.ts';
import { factsTable, historyTable } from './tables.ts';

interface Charts {
  readonly cpu: Chart;
  readonly memory: Chart;
  readonly pids: Chart;
}

const decimalSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000];
const binarySteps = Array.from({ length: 36 }, (_, power) => 2 ** (power + 10));

/** Live usage of a container's cgroup: three charts and the table of the numbers behind them. */
class UsageView implements View<ToUsage> {
  readonly #page: Page;
  readonly #series = new Series();
  #charts: Charts | undefined;

  constructor(page: Page) {
    this.#page = page;
  }

  receive(message: ToUsage): void {
    if (message.type === 'ended') {
      this.#page.notice(message.message);
      return;
    }
    this.#series.add(message.reading);
    this.#page.notice('');
    this.#render(message.reading);
  }

  themeChanged(): void {
    for (const chart of this.#charts ? Object.values(this.#charts) : []) chart.redraw();
  }

  frame({ name }: PanelSubject): Frame {
    const { t } = this.#page;
    const limitName = t('Limit');
    this.#charts = {
      cpu: new Chart({
        title: t('CPU'),
        color: '--ph-blue',
        format: formatPercent,
        formatMark: (value) => `${value}%`,
        steps: decimalSteps,
        atLeast: 10,
        limitName,
      }),
      memory: new Chart({
        title: t('Memory'),
        color: '--ph-green',
        format: formatMemory,
        steps: binarySteps,
        atLeast: 1024 * 1024,
        limitName,
      }),
      pids: new Chart({
        title: t('PIDs'),
        color: '--ph-purple',
        format: String,
        steps: decimalSteps,
        atLeast: 4,
        limitName,
      }),
    };
    return {
      title: t('cgroup usage of {0}', name),
      lead: t('Waiting for the first reading…'),
      parts: [
        element('div', { class: 'columns' }, [
          element('div', { class: 'charts' }, [
            this.#charts.cpu.node,
            this.#charts.memory.node,
            this.#charts.pids.node,
            element('details', {}, [
              element('summary', { text: t('The last readings') }),
              element('div', { attributes: { id: 'history' } }),
            ]),
          ]),
          element('div', { class: 'facts-column', attributes: { id: 'numbers' } }),
        ]),
      ],
    };
  }

  #render(reading: CgroupReading): void {
    if (!this.#charts) return;
    const { t } = this.#page;
    const times = this.#series.samples.map((sample) => sample.at);
    const cpuLimit = reading.cpu?.limit === undefined ? undefined : reading.cpu.limit * 100;
    this.#charts.cpu.update(times, this.#series.column('cpu'), cpuLimit);
    this.#charts.memory.update(times, this.#series.column('memory'), reading.memory?.limit);
    this.#charts.pids.update(times, this.#series.column('pids'), reading.pids?.limit);
    this.#page.lead(t('cgroup v{0}, {1}', reading.version, reading.path));
    byId('numbers').replaceChildren(factsTable(reading, this.#series.samples.at(-1), t));
    byId('history').replaceChildren(historyTable(this.#series.samples, t));
  }
}

openPage(ToUsage, (page) => new UsageView(page));
