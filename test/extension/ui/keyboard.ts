import type { Page } from 'playwright-core';

/** A place where the keyboard stops. */
interface Stop {
  /** Undefined: the focus has left the page. */
  readonly name: string | undefined;
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** What somebody without a mouse meets on a page, a line each: what Tab does not reach, a focus that is not seen or does not leave. */
export async function obstacles(page: Page): Promise<string[]> {
  await page.evaluate(helpers);
  await page.evaluate('goBeforeAll()');
  const missed = new Set(await page.evaluate<string[]>('tabStops()'));
  const problems: string[] = [];
  let last: string | undefined;
  // A scrolling region is a stop of its own, without being marked: so there may be more than what is counted.
  for (let left = missed.size + 20; ; left -= 1) {
    await page.keyboard.press('Tab');
    const { name, box } = await page.evaluate<Stop>('whereTheFocusIs()');
    if (name === undefined) break;
    if (name === last) return [...problems, `the focus does not leave ${name}`];
    if (left === 0) return [...problems, 'the focus goes round'];
    last = name;
    missed.delete(name);
    if (!(await isSeen(page, box))) problems.push(`nothing shows the focus of ${name}`);
  }
  return [...problems, ...[...missed].map((name) => `Tab does not reach ${name}`)];
}

/** Whether something there looks different without the focus. */
async function isSeen(page: Page, { x, y, width, height }: Stop['box']): Promise<boolean> {
  if (width === 0 || height === 0) return true;
  const clip = { x, y, width, height };
  const focused = await page.screenshot({ clip, animations: 'disabled' });
  await page.evaluate('window.focusedBefore = document.activeElement; focusedBefore.blur()');
  const blurred = await page.screenshot({ clip, animations: 'disabled' });
  await page.evaluate('focusedBefore.focus({ preventScroll: true })');
  return !focused.equals(blurred);
}

/** Runs in the page. */
const helpers = `(() => {
function tabStops() {
  const interactive = 'a[href], button, input, select, textarea, summary, [tabindex], vscode-button, vscode-text-field';
  const seen = [...document.querySelectorAll(interactive)].filter((one) =>
    one.checkVisibility({ visibilityProperty: true }) && !one.disabled && !one.hasAttribute('disabled') &&
    one.getAttribute('tabindex') !== '-1' && !one.closest('[inert]'));
  return seen.map((one, index) => {
    const words = (one.getAttribute('aria-label') || one.textContent || one.id || '').trim().slice(0, 40);
    one.tabStop = index + ' ' + one.localName + ' "' + words + '"';
    return one.tabStop;
  });
}
function goBeforeAll() {
  const place = document.createElement('span');
  place.tabIndex = -1;
  document.body.prepend(place);
  place.focus();
}
function whereTheFocusIs() {
  const one = document.activeElement;
  if (!one || one === document.body) return { box: { x: 0, y: 0, width: 0, height: 0 } };
  const { left, top, right, bottom } = one.getBoundingClientRect();
  const x = Math.max(0, Math.floor(left) - 4);
  const y = Math.max(0, Math.floor(top) - 4);
  const width = Math.max(0, Math.min(innerWidth, Math.ceil(right) + 4) - x);
  const height = Math.max(0, Math.min(innerHeight, Math.ceil(bottom) + 4) - y);
  return { name: one.tabStop || one.localName + (one.id ? '#' + one.id : ''), box: { x, y, width, height } };
}
Object.assign(window, { tabStops, goBeforeAll, whereTheFocusIs });
})()`;
