import './timeline.css';
import { formatMemory, formatPercent } from '../../src/base/units.ts';
import type { PanelSubject } from '../../src/protocol/pages.ts';
import type { MomentView } from '../../src/protocol/panels.ts';
import { pointsOf, type UsageColumn } from '../../src/protocol/usage-history.ts';
import { ToTimeline } from '../../src/protocol/usage-page.ts';
import { Chart } from '../shared/chart.ts';
import { byId, element } from '../shared/dom.ts';
import type { Line } from '../shared/lines.ts';
import { type Frame, openPage, type Page, type View } from '../shared/page.ts';

/** The life of a container, the newest first: what happened when, and why it ended. */
class TimelineView implements View<ToTimeline> {
  readonly #page: Page;
  #charts: { readonly cpu: Chart; readonly memory: Chart } | undefined;

  constructor(page: Page) {
    this.#page = page;
  }

  receive(message: ToTimeline): void {
    this.#render(message.moments);
    this.#renderUsage(message);
  }

  themeChanged(): void {
    this.#charts?.cpu.redraw();
    this.#charts?.memory.redraw();
  }

  frame({ name }: PanelSubject): Frame {
    const { t } = this.#page;
    this.#charts = {
      cpu: new Chart({
        ...{ title: t('CPU'), format: formatPercent, formatMark: (value: number) => `${value}%`, t },
        ...{ steps: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000], atLeast: 10 },
      }),
      memory: new Chart({
        ...{ title: t('Memory'), format: formatMemory, t },
        ...{ steps: Array.from({ length: 36 }, (_, power) => 2 ** (power + 10)), atLeast: 1024 * 1024 },
      }),
    };
    return {
      title: t('Timeline of {0}', name),
      lead: t('What happened to this container, the newest first.'),
      parts: [
        element('dl', { class: 'facts', attributes: { id: 'summary' } }),
        element('section', { attributes: { id: 'usage', 'aria-label': t('What it used') } }, [
          element('div', { class: 'charts' }, [this.#charts.cpu.node, this.#charts.memory.node]),
        ]),
        element('ol', { class: 'moments', attributes: { id: 'moments', reversed: '' } }),
      ],
    };
  }

  #render(moments: readonly MomentView[]): void {
    const { t } = this.#page;
    const count = (kind: MomentView['kind']) => moments.filter((moment) => moment.kind === kind).length;
    const fact = (name: string, value: number) =>
      element('div', {}, [element('dt', { text: name }), element('dd', { text: String(value) })]);
    byId('summary').replaceChildren(
      fact(t('Starts'), count('began')),
      fact(t('Ends'), count('ended')),
      fact(t('That went wrong'), moments.filter(({ alarming }) => alarming).length),
    );
    const newest = moments.toReversed();
    byId('moments').replaceChildren(...newest.map((moment, at) => this.#item(moment, newest[at + 1])));
  }

  /** Its use on the time axis of its life, as far back as the agent remembers: an hour. */
  #renderUsage({ usage, marks = [] }: ToTimeline): void {
    const { t } = this.#page;
    const points = usage ? pointsOf(usage) : [];
    const last = Math.max(points.at(-1)?.at ?? 0, ...marks.map(({ at }) => at));
    const first = Math.max(last - 3_600_000, Math.min(points[0]?.at ?? last, ...marks.map(({ at }) => at)));
    const [from, to] = [first / 1000, Math.max(last / 1000, first / 1000 + 10)];
    const empty = t(
      'No readings: the agent keeps those of the last hour, and began at {0}.',
      this.#clock(usage?.since),
    );
    const line = (name: string, of: UsageColumn, limit: UsageColumn): Line[] => [
      { name, source: 0, of: (point) => point[of], limit: (point) => point[limit] },
    ];
    const common = { points: [points], marks, from, to, empty };
    byId('usage').hidden = usage === undefined;
    this.#charts?.cpu.update({ ...common, lines: line(t('CPU'), 'cpu', 'cpuLimit') });
    this.#charts?.memory.update({ ...common, lines: line(t('Memory'), 'memory', 'memoryLimit') });
  }

  #clock(at: number | undefined): string {
    return at === undefined ? '–' : new Date(at).toLocaleTimeString(this.#page.locale);
  }

  #item({ time, kind, alarming, what, details }: MomentView, before: MomentView | undefined): HTMLElement {
    const { t } = this.#page;
    const at = new Date(time);
    const since = before === undefined ? undefined : at.getTime() - new Date(before.time).getTime();
    return element('li', { class: `moment ${kind}${alarming ? ' bad' : ''}` }, [
      element('div', { class: 'when muted' }, [
        element('time', { text: at.toLocaleString(this.#page.locale), attributes: { datetime: time } }),
        ...(since === undefined ? [] : [element('span', { text: t('{0} later', duration(since)) })]),
      ]),
      element('div', { class: 'what' }, [
        element('strong', { text: what }),
        ...details.map((detail) => element('p', { class: 'muted', text: detail })),
      ]),
    ]);
  }
}

/** 90061000 -> '1 d 1 h': the two largest units. */
function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${milliseconds} ms`;
  const seconds = Math.round(milliseconds / 1_000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
}

openPage(ToTimeline, (page) => new TimelineView(page));
