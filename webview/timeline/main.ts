import './timeline.css';
import type { PanelSubject } from '../../src/protocol/pages.ts';
import { type MomentView, ToTimeline } from '../../src/protocol/panels.ts';
import { byId, element } from '../shared/dom.ts';
import { type Frame, openPage, type Page, type View } from '../shared/page.ts';

/** The life of a container, the newest first: what happened when, and why it ended. */
class TimelineView implements View<ToTimeline> {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  receive({ moments }: ToTimeline): void {
    this.#render(moments);
  }

  frame({ name }: PanelSubject): Frame {
    const { t } = this.#page;
    return {
      title: t('Timeline of {0}', name),
      lead: t('What happened to this container, the newest first.'),
      parts: [
        element('dl', { class: 'facts', attributes: { id: 'summary' } }),
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
