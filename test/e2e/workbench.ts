import type { Frame, Locator, Page } from 'playwright-core';
import { until } from '../../scripts/processes.ts';

/** VS Code's window as a user's hands and eyes have it: rows, menus, dialogs, a terminal, webviews. */
export class Workbench {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Opens a view container by its name in the activity bar. */
  async openContainer(name: string): Promise<void> {
    const tab = this.page.locator('.activitybar').getByRole('tab', { name: new RegExp(`^${name}`) });
    await tab.waitFor();
    if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.click();
  }

  /** A pane of the side bar by its title. */
  view(title: string): Locator {
    return this.page.locator('.pane', {
      has: this.page.locator('.pane-header', { hasText: new RegExp(`^${title}`, 'i') }),
    });
  }

  /** The first row of a view whose label matches. */
  row(view: string, label: string | RegExp): Locator {
    return this.view(view).getByRole('treeitem').filter({ hasText: label }).first();
  }

  /** Unfolds a row that is not. */
  async unfold(row: Locator): Promise<void> {
    await row.waitFor();
    if ((await row.getAttribute('aria-expanded')) !== 'true') {
      await row.click();
      if ((await row.getAttribute('aria-expanded')) !== 'true') await row.press('ArrowRight');
    }
    await until('the row unfolds', async () => (await row.getAttribute('aria-expanded')) === 'true');
  }

  /** Folds a row that is not. */
  async fold(row: Locator): Promise<void> {
    if ((await row.getAttribute('aria-expanded')) === 'true') await row.locator('.monaco-tl-twistie').click();
    await until('the row folds', async () => (await row.getAttribute('aria-expanded')) !== 'true');
  }

  /** Picks an entry of a row's context menu. `also` are selected with it. */
  async pick(row: Locator, entry: string | RegExp, also: readonly Locator[] = []): Promise<void> {
    const name = typeof entry === 'string' ? entryName(entry) : entry;
    const item = this.page.getByRole('menuitem', { name });
    // A row can be drawn anew between the look at it and the click: then there is no menu, or that of another row. A menu
    // that goes before its entry was clicked, as the focus goes elsewhere, is opened again.
    await retrying(4, async () => {
      await this.page.keyboard.press('Escape');
      await this.still();
      if (also.length > 0) {
        // The first closes a menu, the second lets go of what is selected.
        await this.page.keyboard.press('Escape');
        for (const one of [...also, row]) await one.click({ modifiers: ['ControlOrMeta'] });
      }
      await row.click({ button: 'right' });
      await item.waitFor({ timeout: 5_000 });
      // A menu takes no click in its first moments, lest the one that opened it picks an entry.
      await retrying(4, async () => {
        await item.click({ timeout: 5_000 });
        await item.waitFor({ state: 'detached', timeout: 2_000 });
      });
    });
  }

  /**
   * Waits until the side bar is not being drawn. While VS Code asks for all rows of a tree anew it forgets which is which, and
   * what is picked from a menu in that moment reaches no row.
   */
  async still(): Promise<void> {
    await this.page.evaluate(`(${stillness})(document.querySelector('.part.sidebar') ?? document.body)`);
  }

  /** Selects a row and presses a key on it. */
  async press(row: Locator, key: string): Promise<void> {
    await this.still();
    await row.click();
    await this.page.keyboard.press(key);
  }

  /** Runs a command from the palette. */
  async command(title: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input[type=text]');
    // The palette goes when something else takes the focus, as a terminal does that opens late.
    await retrying(4, async () => {
      await this.page.keyboard.press('F1');
      await input.waitFor({ timeout: 15_000 });
      await input.fill(`>${title}`, { timeout: 5_000 });
      const option = this.page.locator('.quick-input-list').getByRole('option', { name: title }).first();
      await option.waitFor({ timeout: 15_000 });
      await input.press('Enter', { timeout: 5_000 });
    });
  }

  /** Waits for a modal dialog, checks its words, presses a button of it. */
  async confirm(words: RegExp, button: RegExp): Promise<void> {
    const dialog = this.page.locator('.monaco-dialog-box');
    await dialog.filter({ hasText: words }).waitFor();
    await dialog.getByRole('button', { name: button }).click();
    await dialog.waitFor({ state: 'detached' });
  }

  /** What the visible terminal shows, line breaks as they are on the screen. */
  async terminalText(): Promise<string> {
    const rows = this.page.locator('.terminal-wrapper.active .xterm-rows > div');
    return (await rows.allInnerTexts()).join('\n').replace(/\u00a0/g, ' ');
  }

  /** Types into the visible terminal. */
  async type(text: string): Promise<void> {
    await this.page.locator('.terminal-wrapper.active .xterm-screen').click();
    await this.page.keyboard.type(text);
  }

  /** Presses a key in a terminal whose program has ended: it goes, and the panel with the last one. */
  async dismissTerminal(): Promise<void> {
    const terminal = this.page.locator('.terminal-wrapper.active');
    await this.type(' ');
    await terminal.waitFor({ state: 'hidden' });
  }

  /** A tab of the editor area by its title. */
  tab(title: string | RegExp): Locator {
    return this.page.locator('.tabs-container').getByRole('tab', { name: title }).first();
  }

  /** Waits until a webview shows text that matches; resolves with its frame. */
  async webview(words: RegExp): Promise<Frame> {
    let found: Frame | undefined;
    await until(`a webview shows ${words}`, async () => {
      for (const frame of this.page.frames()) {
        const text = await frame
          .locator('body')
          .innerText({ timeout: 1_000 })
          .catch(() => '');
        if (frame !== this.page.mainFrame() && words.test(text)) found = frame;
      }
      return found !== undefined;
    });
    if (found === undefined) throw new Error('no frame');
    return found;
  }

  /** Messages that pop up at the bottom right. */
  async notifications(): Promise<string[]> {
    return this.page.locator('.notification-list-item-message').allInnerTexts();
  }
}

/** Runs in the page: resolves when no row has come or gone for 400 ms, or after 10 s of a tree that never rests. */
const stillness = `(element) => new Promise((resolve) => {
  const end = () => {
    observer.disconnect();
    clearTimeout(quiet);
    clearTimeout(latest);
    resolve();
  };
  const rest = () => setTimeout(end, 400);
  let quiet = rest();
  const latest = setTimeout(end, 10_000);
  const observer = new MutationObserver(() => {
    clearTimeout(quiet);
    quiet = rest();
  });
  observer.observe(element, { subtree: true, childList: true });
})`;

/** An entry with a key beside it is named with that key. */
function entryName(title: string): RegExp {
  const words = title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${words}(\\s*(F\\d+|Del(?:ete)?|(Ctrl|Control|Cmd|Meta).*))?$`);
}

async function retrying(times: number, task: () => Promise<void>): Promise<void> {
  for (let left = times - 1; ; left -= 1) {
    try {
      return await task();
    } catch (failure) {
      if (left === 0) throw failure;
    }
  }
}
