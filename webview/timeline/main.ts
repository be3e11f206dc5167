import './timeline.css';
import { type MomentView, type PanelSubject, ToTimeline } from '../../src/protocol/panels.ts';
import { Channel } from '../shared/channel.ts';
import { byId, element } from '../shared/dom.ts';
import { Texts } from '../shared/texts.ts';

/** The life of a container, the newest first: what happened when, and why it ended. */
class TimelinePage {
  readonly #channel: Channel<ToTimeline>;
  #texts = new Texts({});

  constructor() {
    this.#channel = new Channel(ToTimeline, (message) => this.#receive(message));
    this.#channel.post({ type: 'ready' });
  }

  #receive(message: ToTimeline): void {
    switch (message.type) {
      case 'start':
        this.#texts = new Texts(message.texts);
        document.documentElement.lang = message.locale;
        this.#channel.keepSubject(message.subject);
        this.#frame(message.subject);
        break;
      case 'moments':
        byId('problem').textContent = '';
        this.#render(message.moments);
        break;
      case 'problem':
        byId('problem').textContent = message.message;
        break;
    }
  }

  #frame({ name }: PanelSubject): void {
    const t = this.#texts.t.bind(this.#texts);
    byId('app').replaceChildren(
      element('h1', { text: t('Timeline of {0}', name) }),
      element('p', { class: 'muted', text: t('What happened to this container, the newest first.') }),
      element('div', { class: 'problem', attributes: { id: 'problem', role: 'alert' } }),
      element('dl', { class: 'facts', attributes: { id: 'summary' } }),
      element('ol', { class: 'moments', attributes: { id: 'moments', reversed: '' } }),
    );
  }

  #render(moments: readonly MomentView[]): void {
    const t = this.#texts.t.bind(this.#texts);
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
    const t = this.#texts.t.bind(this.#texts);
    const at = new Date(time);
    const since = before === undefined ? undefined : at.getTime() - new Date(before.time).getTime();
    return element('li', { class: `moment ${kind}${alarming ? ' bad' : ''}` }, [
      element('div', { class: 'when muted' }, [
        element('time', { text: at.toLocaleString(document.documentElement.lang), attributes: { datetime: time } }),
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

new TimelinePage();
