import uPlot from 'uplot';
import type { UsagePoint } from '../../src/protocol/usage-history.ts';
import type { UsageMark } from '../../src/protocol/usage-page.ts';
import { resolved, token } from './colors.ts';
import { element } from './dom.ts';
import { legendTable } from './legend.ts';
import { type Line, strokes } from './lines.ts';

export interface ChartOptions {
  readonly title: string;
  readonly format: (value: number) => string;
  /** Distances that the marks of the scale may have, smallest first: round ones for this quantity. */
  readonly steps: readonly number[];
  /** A mark of the scale; `format` when absent. */
  readonly formatMark?: (value: number) => string;
  /** Upper end of the scale when the values stay below it. */
  readonly atLeast: number;
  readonly t: (sentence: string, ...values: (string | number)[]) => string;
}

export interface ChartData {
  readonly lines: readonly Line[];
  /** By source, oldest first. */
  readonly points: readonly (readonly UsagePoint[])[];
  readonly marks: readonly UsageMark[];
  /** Seconds since the epoch: the ends of the time axis. */
  readonly from: number;
  readonly to: number;
  /** Why there is nothing to draw. */
  readonly empty: string;
}

const height = 150;

/**
 * Lines over time, with limits as thin steps and moments as upright lines. The picture is described by its latest values; its
 * numbers stand in the table below it, which follows the pointer. Canvas knows no CSS variables, so a change of theme draws
 * it anew.
 */
export class Chart {
  readonly node: HTMLElement;
  readonly #options: ChartOptions;
  readonly #canvas: HTMLElement;
  readonly #legend = element('div', { class: 'legend' });
  readonly #empty = element('p', { class: 'muted empty' });
  #plot: uPlot | undefined;
  #data: ChartData = { lines: [], points: [], marks: [], from: 0, to: 1, empty: '' };
  #columns: (number | null)[][] = [[]];
  #shape = '';

  constructor(options: ChartOptions) {
    this.#options = options;
    this.#canvas = element('div', { class: 'canvas', attributes: { role: 'img', 'aria-label': options.title } });
    this.node = element('section', { class: 'chart' }, [
      element('h2', { text: options.title }),
      this.#canvas,
      this.#empty,
      this.#legend,
    ]);
    new ResizeObserver(() => this.#resize()).observe(this.#canvas);
  }

  update(data: ChartData): void {
    this.#data = { ...data, lines: data.lines.filter((line) => hasValues(line, data.points[line.source] ?? [])) };
    const isEmpty = this.#data.lines.length === 0;
    this.#empty.textContent = isEmpty ? data.empty : '';
    this.#canvas.hidden = isEmpty;
    this.#columns = columnsOf(this.#data);
    const shape = this.#data.lines.map(({ name, source, limit }) => `${source}${name}${limit ? '!' : ''}`).join('\n');
    if (!this.#plot || shape !== this.#shape) this.redraw();
    else this.#plot.setData(aligned(this.#columns));
    this.#shape = shape;
    this.#showLegend(undefined);
  }

  /** Makes the plot anew with the colours that the theme has now. */
  redraw(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
    if (this.#data.lines.length === 0 || this.#canvas.clientWidth === 0) return;
    this.#plot = new uPlot(this.#settings(), aligned(this.#columns), this.#canvas);
  }

  #showLegend(index: number | undefined): void {
    const { t, format, title } = this.#options;
    const times = this.#columns[0] ?? [];
    const at = index === undefined ? undefined : times[index];
    const rows = this.#data.lines.map((line, place) => {
      const points = this.#data.points[line.source] ?? [];
      const values = points.map(line.of).filter((value) => value !== undefined);
      const now = index === undefined ? points.map(line.of).at(-1) : (this.#columns[place + 1]?.[index] ?? undefined);
      const limit = line.limit && points.map(line.limit).at(-1);
      return { name: line.name, now, highest: values.length > 0 ? Math.max(...values) : undefined, limit };
    });
    const words = rows.map(({ name, now }) => `${name} ${now === undefined ? '–' : format(now)}`).join(', ');
    this.#canvas.setAttribute('aria-label', words ? `${title}: ${words}` : title);
    this.#legend.replaceChildren(
      ...(rows.length > 0 ? [legendTable(rows, { t, format, title, at: at ?? undefined })] : []),
    );
  }

  #settings(): uPlot.Options {
    const muted = resolved(token('--ph-muted')) || '#888888';
    const warning = resolved(token('--ph-warning')) || muted;
    const axis = {
      stroke: muted,
      grid: { stroke: muted, width: 0.15 },
      ticks: { show: false },
      font: `11px ${token('--vscode-font-family') || 'sans-serif'}`,
    };
    const mark = this.#options.formatMark ?? this.#options.format;
    const { lines } = this.#data;
    const drawn = lines.map((line, place): uPlot.Series => {
      const { color, dash } = strokes[place % strokes.length] ?? strokes[0];
      return {
        label: line.name,
        stroke: resolved(token(color)) || muted,
        width: 2,
        dash: [...dash],
        points: { show: false },
      };
    });
    const limits = lines
      .filter(({ limit }) => limit)
      .map((line): uPlot.Series => {
        const place = lines.length > 1 && lines.every(({ limit }) => limit) ? lines.indexOf(line) : -1;
        const stroke = place < 0 ? warning : resolved(token(strokes[place % strokes.length]?.color ?? '--ph-warning'));
        const stepped = uPlot.paths.stepped?.({ align: 1 });
        return {
          label: line.name,
          stroke,
          width: 1,
          dash: [3, 3],
          points: { show: false },
          ...(stepped && { paths: stepped }),
        };
      });
    return {
      width: this.#canvas.clientWidth,
      height,
      legend: { show: false },
      cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: () => [this.#data.from, this.#data.to] },
        y: { range: (_plot, _low, high) => [0, Math.max(this.#options.atLeast, high ?? 0) * 1.08] },
      },
      series: [{}, ...drawn, ...limits],
      axes: [
        { ...axis, size: 26, space: 90, values: (_plot, ticks) => ticks.map(clock) },
        { ...axis, size: 68, incrs: [...this.#options.steps], values: (_plot, ticks) => ticks.map(mark) },
      ],
      hooks: {
        draw: [(plot) => this.#drawMarks(plot)],
        setCursor: [(plot) => this.#showLegend(plot.cursor.idx ?? undefined)],
      },
    };
  }

  #drawMarks(plot: uPlot): void {
    const { ctx, bbox } = plot;
    for (const { at, kind } of this.#data.marks) {
      const seconds = at / 1000;
      if (seconds < this.#data.from || seconds > this.#data.to) continue;
      const x = Math.round(plot.valToPos(seconds, 'x', true));
      ctx.save();
      ctx.strokeStyle = resolved(token(kind === 'oom' ? '--ph-error' : '--ph-muted'));
      ctx.fillStyle = ctx.strokeStyle;
      ctx.lineWidth = kind === 'oom' ? 2 * devicePixelRatio : devicePixelRatio;
      ctx.setLineDash(kind === 'oom' ? [] : [2 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      if (kind === 'oom') {
        ctx.font = `bold ${11 * devicePixelRatio}px sans-serif`;
        ctx.textAlign = x > bbox.left + bbox.width / 2 ? 'right' : 'left';
        ctx.fillText(
          'OOM',
          x + (ctx.textAlign === 'right' ? -5 : 5) * devicePixelRatio,
          bbox.top + 12 * devicePixelRatio,
        );
      }
      ctx.restore();
    }
  }

  #resize(): void {
    if (!this.#plot) this.redraw();
    else this.#plot.setSize({ width: Math.max(1, this.#canvas.clientWidth), height });
  }
}

const hasValues = (line: Line, points: readonly UsagePoint[]): boolean =>
  points.some((point) => line.of(point) !== undefined);

/** Times, each line's values, then each limit's: containers are read at moments of their own, so lines have holes that are no gaps. */
function columnsOf({ lines, points }: ChartData): (number | null)[][] {
  const times = [...new Set(points.flatMap((one) => one.map(({ at }) => at)))].sort((a, b) => a - b);
  const place = new Map(times.map((at, index) => [at, index]));
  const column = (source: number, of: Line['of']): (number | null)[] => {
    const values: (number | null)[] = new Array(times.length).fill(null);
    const own = points[source] ?? [];
    for (const [index, point] of own.entries()) {
      const here = place.get(point.at) ?? 0;
      const value = of(point);
      const next = place.get(own[index + 1]?.at ?? -1) ?? here + 1;
      // Until its next reading a container is where it was.
      for (let row = here; row < next; row++) values[row] = value ?? null;
    }
    return values;
  };
  return [
    times.map((at) => at / 1000),
    ...lines.map(({ source, of }) => column(source, of)),
    ...lines.flatMap(({ source, limit }) => (limit ? [column(source, limit)] : [])),
  ];
}

function aligned(columns: readonly (number | null)[][]): uPlot.AlignedData {
  const [times = [], ...values] = columns;
  return [times.map((time) => time ?? 0), ...values];
}

const clock = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleTimeString(document.documentElement.lang, { hour12: false });
