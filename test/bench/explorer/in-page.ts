import type { Frame, Page } from 'playwright-core';

/**
 * Runs in VS Code's window and in every frame of it, before their own scripts. `seen` notes when an element is first painted
 * whose text or label fits; a frame, which is a webview, notes by itself when its first row is. Times are milliseconds since
 * the epoch.
 */
const script = `(() => {
  const now = () => performance.timeOrigin + performance.now();
  // What a task does that was queued while a frame was made comes after that frame.
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => done(now());
    port2.postMessage(0);
  }));
  const seen = (selector, pattern) => new Promise((done) => {
    const fits = (element) => pattern.test(element.textContent + ' ' + element.getAttribute('aria-label'));
    const look = () => {
      if (![...document.querySelectorAll(selector)].some(fits)) return;
      observer.disconnect();
      clearInterval(timer);
      painted().then(done);
    };
    const observer = new MutationObserver(look);
    observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
    // VS Code writes a webview's document anew, which forgets who observes it.
    const timer = window === top ? undefined : setInterval(look, 5);
    look();
  });
  const bench = { waits: {}, clicked: '', longest: 0, seen };
  window.bench = bench;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) bench.longest = Math.max(bench.longest, duration);
  }).observe({ type: 'longtask' });
  if (window !== top) bench.waits.row = seen('[role=treeitem]', /./);
  else addEventListener('contextmenu', ({ target }) => {
    bench.clicked = target.closest('.monaco-list-row')?.getAttribute('aria-label') ?? '';
  }, true);
})()`;

/** To be called before a page is opened. */
export async function watchPages(page: Page): Promise<void> {
  await page.context().addInitScript(script);
}

/** Begins to look; what is called resolves with when it was painted. */
export async function look(page: Page, selector: string, pattern: RegExp): Promise<() => Promise<number>> {
  const name = JSON.stringify(`${selector} ${pattern} ${Math.random()}`);
  await page.evaluate(`void (bench.waits[${name}] = bench.seen(${JSON.stringify(selector)}, ${pattern}))`);
  return () => numberOf(page, `bench.waits[${name}]`, `${pattern} is seen`);
}

/** When the first row of a webview was painted. */
export const firstRow = (frame: Frame): Promise<number> => numberOf(frame, 'bench.waits.row', 'a webview has rows');

/** The longest task of the window or of a webview since the last call, in milliseconds. 0: none took 50. */
export async function longestTask(frame: Frame | Page): Promise<number> {
  return Number(await frame.evaluate('(() => { const { longest } = bench; bench.longest = 0; return longest; })()'));
}

/** The label, as screen readers say it, of the row that was last clicked with the right button. */
export const clickedRow = async (page: Page): Promise<string> => String(await page.evaluate('bench.clicked'));

const patience = 60_000;

/** Evaluates a promise; never waits for ever. */
async function numberOf(frame: Frame | Page, expression: string, what: string): Promise<number> {
  const late = `new Promise((_, fail) => setTimeout(() => fail(new Error(${JSON.stringify(`${what}: not in time`)})), ${patience}))`;
  return Number(await frame.evaluate(`Promise.race([${expression}, ${late}])`));
}
