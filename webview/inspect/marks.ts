import { element } from '../shared/dom.ts';

/** A text with what is looked for marked in it, case aside. */
export function marked(text: string, wanted: string): readonly Node[] {
  if (wanted === '') return [document.createTextNode(text)];
  const nodes: Node[] = [];
  const lower = text.toLowerCase();
  let from = 0;
  // Lower case can be longer than what it was made of: then nothing is marked, rather than the wrong place.
  for (let at = lower.length === text.length ? lower.indexOf(wanted.toLowerCase()) : -1; at >= 0; ) {
    nodes.push(document.createTextNode(text.slice(from, at)));
    nodes.push(element('mark', { text: text.slice(at, at + wanted.length) }));
    from = at + wanted.length;
    at = lower.indexOf(wanted.toLowerCase(), from);
  }
  return [...nodes, document.createTextNode(text.slice(from))];
}
