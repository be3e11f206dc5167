import type { FactView, SectionView } from '../../src/protocol/inspect-page.ts';
import { element } from '../shared/dom.ts';
import { ago } from './ago.ts';

/** What people look for, section by section. */
export function summaryOf(sections: readonly SectionView[], locale: string): readonly Node[] {
  return sections.map(({ id, title, facts }) =>
    element('section', { class: `part ${id}`, attributes: { 'aria-labelledby': `part-${id}` } }, [
      element('h2', { text: title, attributes: { id: `part-${id}` } }),
      element(
        'dl',
        {},
        facts.flatMap((fact) => [
          element('dt', { text: fact.name }),
          element('dd', fact.alarming ? { class: 'bad' } : {}, saidOf(fact, locale)),
        ]),
      ),
    ]),
  );
}

function saidOf({ value, form, note }: FactView, locale: string): readonly Node[] {
  const noted = note === undefined || note === '' ? [] : [element('span', { class: 'note muted', text: note })];
  if (form === 'time') return [...timeOf(value, locale), ...noted];
  if (form === 'code') return [element('code', { text: value }), ...noted];
  return [element('span', { text: value }), ...noted];
}

function timeOf(value: string, locale: string): readonly Node[] {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return [element('code', { text: value })];
  const text = at.toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'medium' });
  return [
    element('time', { text, attributes: { datetime: value } }),
    element('span', {
      class: 'note muted',
      text: ago(at.getTime(), { now: Date.now(), locale }),
      attributes: { 'data-ago': value },
    }),
  ];
}

/** What was three minutes ago is four minutes ago in a minute. */
export function tick(node: HTMLElement, locale: string): void {
  for (const note of node.querySelectorAll('[data-ago]')) {
    const at = new Date(note.getAttribute('data-ago') ?? '').getTime();
    note.textContent = ago(at, { now: Date.now(), locale });
  }
}
