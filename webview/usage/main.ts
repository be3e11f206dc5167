import './usage.css';
import { formatMemory, formatPercent } from '../../src/base/units.ts';
import { type PanelSubject, ToUsage } from '../../src/protocol/panels.ts';
import type { CgroupReading } from '../../src/protocol/usage.ts';
import { Channel } from '../shared/channel.ts';
import { byId, element } from '../shared/dom.ts';
import { Texts } from '../shared/texts.ts';
import { registerToolkit } from '../shared/toolkit.ts';
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
class UsagePage {
  readonly #channel: Channel<ToUsage>;
  readonly #series = new Series();
  #texts = new Texts({});
  #charts: Charts | undefined;

  constructor() {
    this.#channel = new Channel(ToUsage, (message) => this.#receive(message));
    this.#channel.post({ type: 'ready' });
    // VS Code changes the classes of <body> and the variables of <html> when the theme changes.
    const observer = new MutationObserver(() => this.#redraw());
    observer.observe(document.body, { attributes: true, attributeFilter: ['class'] });
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
  }

  #receive(message: ToUsage): void {
    switch (message.type) {
      case 'start':
        this.#texts = new Texts(message.texts);
        document.documentElement.lang = message.locale;
        this.#channel.keepSubject(message.subject);
        this.#frame(message.subject);
        break;
      case 'reading':
        this.#series.add(message.reading);
        byId('problem').textContent = '';
        byId('notice').textContent = '';
        this.#render(message.reading);
        break;
      case 'ended':
        byId('notice').textContent = message.message;
        break;
      case 'problem':
        byId('problem').textContent = message.message;
        break;
    }
  }

  #frame(subject: PanelSubject): void {
    const t = this.#texts.t.bind(this.#texts);
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
    byId('app').replaceChildren(
      element('h1', { text: t('cgroup usage of {0}', subject.name) }),
      element('p', { class: 'muted path', attributes: { id: 'path' }, text: t('Waiting for the first reading…') }),
      element('div', { class: 'problem', attributes: { id: 'problem', role: 'alert' } }),
      element('div', { class: 'notice', attributes: { id: 'notice', role: 'status' } }),
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
    );
  }

  #render(reading: CgroupReading): void {
    if (!this.#charts) return;
    const t = this.#texts.t.bind(this.#texts);
    const times = this.#series.samples.map((sample) => sample.at);
    const cpuLimit = reading.cpu?.limit === undefined ? undefined : reading.cpu.limit * 100;
    this.#charts.cpu.update(times, this.#series.column('cpu'), cpuLimit);
    this.#charts.memory.update(times, this.#series.column('memory'), reading.memory?.limit);
    this.#charts.pids.update(times, this.#series.column('pids'), reading.pids?.limit);
    byId('path').textContent = t('cgroup v{0}, {1}', reading.version, reading.path);
    byId('numbers').replaceChildren(factsTable(reading, this.#series.samples.at(-1), t));
    byId('history').replaceChildren(historyTable(this.#series.samples, t));
  }

  #redraw(): void {
    for (const chart of this.#charts ? Object.values(this.#charts) : []) chart.redraw();
  }
}

registerToolkit();
new UsagePage();
