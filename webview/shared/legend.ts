import { element } from './dom.ts';
import { strokes } from './lines.ts';

export interface LegendRow {
  readonly name: string;
  /** At the pointer, else the latest. */
  readonly now: number | undefined;
  readonly highest: number | undefined;
  readonly limit: number | undefined;
}

interface Options {
  readonly t: (sentence: string, ...values: (string | number)[]) => string;
  readonly format: (value: number) => string;
  readonly title: string;
  /** Seconds since the epoch, when the values are those of a moment that is pointed at. */
  readonly at: number | undefined;
}

/** The table beside a chart: each line with its stroke, and its numbers. */
export function legendTable(rows: readonly LegendRow[], { t, format, title, at }: Options): HTMLElement {
  const hasLimits = rows.some(({ limit }) => limit !== undefined);
  const moment = at === undefined ? t('Now') : new Date(at * 1000).toLocaleTimeString(document.documentElement.lang);
  const heads = [t('Line'), moment, t('Highest'), ...(hasLimits ? [t('Limit')] : [])];
  const number = (value: number | undefined) =>
    element('td', { class: 'number', text: value === undefined ? '–' : format(value) });
  return element('table', { class: 'lines' }, [
    element('caption', { class: 'visually-hidden', text: title }),
    element('thead', {}, [
      element(
        'tr',
        {},
        heads.map((text, index) =>
          element('th', { text, class: index > 0 ? 'number muted' : 'muted', attributes: { scope: 'col' } }),
        ),
      ),
    ]),
    element(
      'tbody',
      {},
      rows.map(({ name, now, highest, limit }, place) =>
        element('tr', {}, [
          element('th', { attributes: { scope: 'row' } }, [swatch(place), document.createTextNode(name)]),
          number(now),
          number(highest),
          ...(hasLimits ? [number(limit)] : []),
        ]),
      ),
    ),
  ]);
}

function swatch(place: number): Element {
  const { color, dash } = strokes[place % strokes.length] ?? strokes[0];
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'line');
  for (const [name, value] of Object.entries({ width: '26', height: '8', 'aria-hidden': 'true' }))
    svg.setAttribute(name, value);
  for (const [name, value] of Object.entries({ x1: '0', x2: '26', y1: '4', y2: '4', 'stroke-width': '2' })) {
    line.setAttribute(name, value);
  }
  line.setAttribute('stroke-dasharray', dash.join(' '));
  line.style.stroke = `var(${color})`;
  svg.append(line);
  return svg;
}
