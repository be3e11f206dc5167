import { setTimeout as delay } from 'node:timers/promises';
import type { Locator } from 'playwright-core';
import { commandRows } from '../../../src/extension/commands/rows.ts';
import { median } from '../measure.ts';
import type { Places } from '../places.ts';
import type { Row } from '../rows.ts';
import { cpuMs } from './host-rows.ts';
import { clickedRow, longestTask, look } from './in-page.ts';
import { createNamed, imageName, type Stock } from './stock.ts';
import type { Window } from './window.ts';

const perSecond = 50;
const clicks = 8;
/** At the top when it begins, and nothing happens to it. */
const left = 'stock-0996';

/** Fifty events a second while somebody scrolls, opens menus and picks from them. */
export async function stormRows(places: Places, window: Window, stock: Stock): Promise<Row[]> {
  const { page, workbench, ask } = window;
  const list = workbench.view('Containers').locator('.monaco-list');
  const { pid } = await ask('process');
  const chosen = await select(list);
  const storm = new Storm(places, stock);
  const troubles: string[] = [];
  const lags: number[] = [];
  try {
    await longestTask(page);
    const [begun, used] = [performance.now(), await cpuMs(pid)];
    // The first shown is at the top; a row of the storm there is seen as soon as it is drawn.
    for (let round = 0; round < 8; round += 1) lags.push(await storm.lag(window, round));
    troubles.push(...(await scroll(window, list)));
    const scrolled = await longestTask(page);
    for (let round = 0; round < clicks; round += 1) troubles.push(...(await rightClick(window, list, stock)));
    const [cpu, seconds] = [(await cpuMs(pid)) - used, (performance.now() - begun) / 1000];
    const rate = storm.count / seconds;
    await storm.end();
    if (!(await isSelected(list, chosen))) troubles.push(`${chosen} is no longer selected`);
    for (const trouble of troubles) console.error(`storm: ${trouble}`);
    return [
      {
        what: `${rate.toFixed(0)} events a second for ${seconds.toFixed(0)} s: scroll, selection and ${clicks} context menus broken`,
        ...{ unit: 'errors', ours: troubles.length, goal: { most: 0 } },
      },
      { what: '  an event among them is seen, p50', unit: 'ms', ours: median(lags) },
      { what: '  the longest of 8', unit: 'ms', ours: Math.max(...lags) },
      { what: '  the window’s longest task while scrolling', unit: 'ms', ours: scrolled },
      { what: '  the extension host, CPU a second', unit: 'ms', ours: cpu / seconds },
    ];
  } finally {
    await storm.end();
  }
}

/** Renames, pauses, goes on, creates and removes, at a steady rate. Containers with an even number are left alone. */
class Storm {
  readonly #places: Places;
  readonly #stock: Stock;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #failure: unknown;
  count = 0;

  constructor(places: Places, stock: Stock) {
    this.#places = places;
    this.#stock = stock;
    this.#done = this.#run().catch((failure: unknown) => {
      this.#failure = failure;
    });
  }

  /** How long until a container, made meanwhile, is seen. */
  async lag({ page }: Window, round: number): Promise<number> {
    const { api } = this.#places.ours;
    const name = `lag-${round}`;
    const painted = await look(page, '.pane .monaco-list-row', new RegExp(`${name}\\b`));
    const begun = performance.timeOrigin + performance.now();
    const id = await createNamed(api, name, imageName(1));
    try {
      return (await painted()) - begun;
    } finally {
      await api.remove(id);
      await delay(400);
    }
  }

  /** Rejects when an event could not be made. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#done;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #run(): Promise<void> {
    const { api } = this.#places.ours;
    const signal = AbortSignal.any([this.#stop.signal, this.#places.signal]);
    const odd = [...this.#stock.containers].filter(([name]) => /stock-\d*[13579]$/.test(name));
    const { running } = this.#stock;
    const made: string[] = [];
    const begun = performance.now();
    let name = 0;
    for (; !signal.aborted; this.count += 1) {
      const at = begun + (this.count * 1000) / perSecond;
      await delay(Math.max(0, at - performance.now()), undefined, { signal }).catch(() => undefined);
      const step = this.count % 10;
      const [was, id] = odd[(this.count * 7) % odd.length] ?? ['', ''];
      const [oldest] = made;
      if (step === 0) made.push(await createNamed(api, `short-${this.count}`, imageName(2)));
      else if (step === 5 && oldest !== undefined) await api.remove(made.shift() ?? '');
      else if (step === 3) await api.call('POST', `/containers/${running[0]}/pause`);
      else if (step === 4) await api.call('POST', `/containers/${running[0]}/unpause`);
      else await api.call('POST', `/containers/${id}/rename?name=${was}-${name++}`);
    }
    if (this.count % 10 === 4) await api.call('POST', `/containers/${running[0]}/unpause`);
    for (const id of made) await api.remove(id);
  }
}

/** Selects a row that the storm leaves alone. @returns its name */
async function select(list: Locator): Promise<string> {
  const row = list.locator(`.monaco-list-row[aria-label^="${left}"]`);
  await row.click();
  return left;
}

async function isSelected(list: Locator, name: string): Promise<boolean> {
  // It may be out of sight by now: to the top.
  await list.focus();
  await list.hover();
  await list.page().mouse.wheel(0, -1_000_000);
  const row = list.locator(`.monaco-list-row.selected[aria-label^="${name}"]`);
  return row.waitFor({ timeout: 10_000 }).then(
    () => true,
    () => false,
  );
}

/** Scrolls to the middle in steps, and then leaves it alone. */
async function scroll({ page }: Window, list: Locator): Promise<string[]> {
  const troubles: string[] = [];
  await list.hover();
  let last = await scrollTop(list);
  for (let step = 0; step < 20; step += 1) {
    await page.mouse.wheel(0, 400);
    await delay(50);
    const now = await scrollTop(list);
    if (now < last) troubles.push(`scrolling down went from ${last} to ${now}`);
    last = now;
  }
  await delay(500);
  const still = await scrollTop(list);
  if (still < 1000) troubles.push(`scrolled no further than ${still}`);
  for (let look = 0; look < 40; look += 1) {
    await delay(50);
    const now = await scrollTop(list);
    if (now !== still) troubles.push(`at rest it went from ${still} to ${now}`);
  }
  return troubles;
}

/** Opens the menu of a row, leaves it open for a while, and copies the container's id with it. */
async function rightClick({ page }: Window, list: Locator, stock: Stock): Promise<string[]> {
  const box = await list.boundingBox();
  if (!box) return ['no list'];
  await page.evaluate(`navigator.clipboard.writeText('nothing')`);
  const y = box.y + box.height * (0.2 + 0.6 * Math.random());
  await page.mouse.click(box.x + 120, y, { button: 'right' });
  const entry = page.getByRole('menuitem', { name: commandRows['porthole.container.copyId'].title });
  const opened = await entry.waitFor({ timeout: 5_000 }).then(
    () => true,
    () => false,
  );
  const row = await clickedRow(page);
  if (!opened) return [`no menu of ${row}`];
  await delay(1_000);
  if (!(await entry.isVisible())) return [`the menu of ${row} closed`];
  await entry.click({ timeout: 5_000 });
  let copied = 'nothing';
  for (let left = 40; left > 0 && copied === 'nothing'; left -= 1) {
    await delay(50);
    copied = String(await page.evaluate('navigator.clipboard.readText()'));
  }
  // Rows of the storm have other names each moment; the number stays.
  const number = /stock-\d{4}/.exec(row)?.[0];
  if (number === undefined) return copied === 'nothing' ? [`the menu of ${row} did nothing`] : [];
  return stock.containers.get(number) === copied ? [] : [`the menu of ${row} copied ${copied}`];
}

async function scrollTop(list: Locator): Promise<number> {
  const style = await list.locator('.monaco-list-rows').first().getAttribute('style');
  return -Number(/(?:^|; )top: (-?[\d.]+)px/.exec(style ?? '')?.[1]);
}
