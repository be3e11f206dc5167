import uPlot from 'uplot';
import { element } from '../shared/dom.ts';

export interface ChartOptions {
  readonly title: string;
  /** Name of the theme token of the line: '--ph-blue'. */
  readonly color: string;
  readonly format: (value: number) => string;
  /** Distances that the marks of the scale may have, smallest first: round ones for this quantity. */
  readonly steps: readonly number[];
  /** A mark of the scale; `format` when absent. */
  readonly formatMark?: (value: number) => string;
  /** Upper end of the scale when the values stay below it. */
  readonly atLeast: number;
  readonly limitName: string;
}

/**
 * A line over time, with the limit as a dashed line. The chart is a picture for screen readers, described by its latest
 * value; the numbers are in the table beside it. Canvas knows no CSS variables, so a change of theme draws it anew.
 */
export class Chart {
  readonly node: HTMLElement;
  readonly #options: ChartOptions;
  readonly #canvas: HTMLElement;
  readonly #value: HTMLElement;
  #plot: uPlot | undefined;
  #data: { times: number[]; values: (number | null)[]; limit: number | undefined } = {
    times: [],
    values: [],
    limit: undefined,
  };

  constructor(options: ChartOptions) {
    this.#options = options;
    this.#value = element('span', { class: 'now' });
    this.#canvas = element('div', { class: 'canvas', attributes: { role: 'img', 'aria-label': options.title } });
    this.node = element('section', { class: 'chart' }, [
      element('h2', { text: `${options.title} ` }, [this.#value]),
      this.#canvas,
    ]);
    new ResizeObserver(() => this.#resize()).observe(this.#canvas);
  }

  update(times: number[], values: (number | null)[], limit: number | undefined): void {
    const hadLimit = this.#data.limit !== undefined;
    this.#data = { times, values, limit };
    const last = values.at(-1);
    const text = last === null || last === undefined ? '–' : this.#options.format(last);
    const bound = limit === undefined ? '' : ` / ${this.#options.format(limit)}`;
    this.#value.textContent = `${text}${bound}`;
    this.#canvas.setAttribute('aria-label', `${this.#options.title}: ${text}${bound}`);
    if (!this.#plot || hadLimit !== (limit !== undefined)) this.redraw();
    else this.#plot.setData(this.#columns());
  }

  /** Makes the plot anew with the colours that the theme has now. */
  redraw(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
    if (this.#canvas.clientWidth === 0) return;
    this.#plot = new uPlot(this.#settings(), this.#columns(), this.#canvas);
  }

  #columns(): uPlot.AlignedData {
    const { times, values, limit } = this.#data;
    return limit === undefined ? [times, values] : [times, values, times.map(() => limit)];
  }

  #settings(): uPlot.Options {
    const token = (name: string) => getComputedStyle(document.body).getPropertyValue(name).trim();
    const color = resolved(token(this.#options.color)) || '#3794ff';
    const muted = resolved(token('--ph-muted')) || '#888888';
    const axis = {
      stroke: muted,
      grid: { stroke: muted, width: 0.15 },
      ticks: { show: false },
      font: `11px ${token('--vscode-font-family') || 'sans-serif'}`,
    };
    const mark = this.#options.formatMark ?? this.#options.format;
    const series: uPlot.Series[] = [
      {},
      { label: this.#options.title, stroke: color, width: 2, points: { show: false }, spanGaps: false },
    ];
    if (this.#data.limit !== undefined) {
      series.push({
        label: this.#options.limitName,
        stroke: resolved(token('--ph-warning')) || muted,
        width: 1.5,
        dash: [6, 4],
        points: { show: false },
      });
    }
    return {
      width: this.#canvas.clientWidth,
      height: 150,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: true, range: window60 }, y: { range: (_plot, _low, high) => [0, this.#top(high)] } },
      series,
      axes: [
        { ...axis, size: 26, space: 90, values: (_plot, ticks) => ticks.map(clock) },
        { ...axis, size: 68, incrs: [...this.#options.steps], values: (_plot, ticks) => ticks.map(mark) },
      ],
    };
  }

  #top(high: number | null): number {
    return Math.max(this.#options.atLeast, high ?? 0, this.#data.limit ?? 0) * 1.08;
  }

  #resize(): void {
    if (!this.#plot) this.redraw();
    else this.#plot.setSize({ width: Math.max(1, this.#canvas.clientWidth), height: 150 });
  }
}

/** The first samples fill from the right of a whole minute, instead of being stretched over the width. */
function window60(_plot: uPlot, low: number | null, high: number | null): [number, number] {
  const end = high ?? 60;
  return [Math.min(low ?? end, end - 60), end];
}

const clock = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleTimeString(document.documentElement.lang, { hour12: false });

/** A colour that a canvas takes: a variable may hold `var()` or `color-mix()`, which only a style can compute. */
function resolved(value: string): string {
  if (!value) return '';
  const probe = element('span');
  probe.style.color = value;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}
