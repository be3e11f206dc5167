import { formatNanoseconds } from '../../src/base/units.ts';
import type { StepResult, TraceStep } from '../../src/protocol/trace.ts';
import { element } from '../shared/dom.ts';
import type { TimelineRow } from './timeline.ts';

export interface TableOptions {
  readonly planned: boolean;
  readonly name: string;
  /** The container's full id, which stands in many paths: shown short, and whole when pointed at. */
  readonly id: string;
  readonly t: (sentence: string, ...values: (string | number)[]) => string;
}

/** One table row per step. The bar is drawn for the eye only; its duration stands beside it as text. */
export function stepTable(rows: readonly TimelineRow[], options: TableOptions): HTMLElement {
  const { t, planned } = options;
  const heads = planned
    ? [t('No.'), t('Run by'), t('Operation and reason')]
    : [t('No.'), t('Run by'), t('Operation and reason'), t('Result'), t('Time'), t('On the scale of the whole')];
  return element('table', { class: 'steps' }, [
    element('caption', { class: 'visually-hidden', text: t('Birth of {0}', options.name) }),
    element('thead', {}, [
      element(
        'tr',
        {},
        heads.map((text, column) => element('th', { class: headClass(column), text, attributes: { scope: 'col' } })),
      ),
    ]),
    element(
      'tbody',
      {},
      rows.map((row) => stepRow(row, options)),
    ),
  ]);
}

/** Numbers stand under their head; what is short takes no more room than it needs. */
function headClass(column: number): string {
  if (column === 0 || column === 4) return 'number narrow';
  return column === 1 || column === 3 ? 'narrow' : '';
}

function stepRow(row: TimelineRow, { planned, id, t }: TableOptions): HTMLElement {
  const { step } = row;
  const cells = [
    element('td', { class: 'number muted', text: String(step.id + 1) }),
    element('td', {}, [element('span', { class: `who ${step.list}`, text: who(step.list, t) })]),
    operationCell(step, id),
  ];
  if (!planned) {
    cells.push(
      element('td', { class: `result ${step.result.state}`, text: outcome(step.result, t) }),
      element('td', {
        class: 'number',
        text: step.result.state === 'not-run' ? '' : formatNanoseconds(row.nanoseconds),
      }),
      element('td', { class: 'scale', attributes: { 'aria-hidden': 'true' } }, [bar(row)]),
    );
  }
  return element('tr', { class: step.result.state }, cells);
}

function operationCell(step: TraceStep, id: string): HTMLElement {
  const short = id.length > 12 ? step.line.replaceAll(id, `${id.slice(0, 12)}…`) : step.line;
  const line = element('code', { text: short, ...(short === step.line ? {} : { attributes: { title: step.line } }) });
  line.style.paddingInlineStart = `${step.depth * 1.5}em`;
  const why = element('div', { class: 'muted why', text: step.why });
  why.style.paddingInlineStart = `${step.depth * 1.5}em`;
  return element('td', { class: 'operation' }, [line, why]);
}

function bar(row: TimelineRow): HTMLElement {
  const drawn = element('div', { class: `span ${row.step.list} ${row.step.result.state}` });
  drawn.style.marginInlineStart = `${(row.offset * 100).toFixed(3)}%`;
  drawn.style.width = `${(row.share * 100).toFixed(3)}%`;
  return drawn;
}

function who(list: TraceStep['list'], t: TableOptions['t']): string {
  if (list === 'host') return t('host');
  return list === 'child' ? t('container') : t('after its end');
}

function outcome(result: StepResult, t: TableOptions['t']): string {
  switch (result.state) {
    case 'done':
      return t('done');
    case 'tolerated':
      return t('not needed: {0}', result.errno);
    case 'failed':
      return t('failed: {0}', result.errno);
    case 'not-run':
      return t('not run');
  }
}
