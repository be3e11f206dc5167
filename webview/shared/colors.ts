import { element } from './dom.ts';

/** The value that a token of the style sheet has now. */
export const token = (name: string): string => getComputedStyle(document.body).getPropertyValue(name).trim();

/** A colour that a canvas takes: a variable may hold `var()` or `color-mix()`, which only a style can compute. */
export function resolved(value: string): string {
  if (!value) return '';
  const probe = element('span');
  probe.style.color = value;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}
