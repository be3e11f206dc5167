import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { requires } from '../../support/tools.ts';
import { described, inspectedContainer } from './inspect-fixture.ts';
import { obstacles } from './keyboard.ts';
import { PageStage, picture, send, type Theme, themeNames } from './page-stage.ts';
import { violations } from './violations.ts';

const subject = { host: 'local', engine: 'porthole', id: inspectedContainer.Id, name: 'web', object: 'container' };
const start = { type: 'start', subject, texts: {}, locale: 'en' };

describe('The inspect page', function () {
  this.timeout(120_000);
  let stage: PageStage;

  before(async function () {
    requires(this, { programs: ['chromium'] });
    stage = await PageStage.open();
  });
  after(() => stage?.close());

  async function opened(theme: Theme = 'vscode-dark'): Promise<Page> {
    const page = await stage.show('inspect', theme);
    await send(page, start, described(inspectedContainer));
    return page;
  }

  const rows = (page: Page) => page.locator('#json [role=treeitem]');
  const names = (page: Page) => page.locator('#json .key').allInnerTexts();
  const factOf = (page: Page, section: string, name: string) =>
    page.locator(`.part.${section} dt`, { hasText: new RegExp(`^${name}$`) }).locator('xpath=following-sibling::dd[1]');
  const lastSent = (page: Page) => page.evaluate<Record<string, unknown> | undefined>('window.sent.at(-1)');

  for (const theme of themeNames) {
    it(`says what people look for, and all of it, and axe finds nothing (${theme})`, async () => {
      const page = await opened(theme);
      assert.equal(await factOf(page, 'state', 'Now').innerText(), 'killed: out of memory');
      assert.match(await factOf(page, 'state', 'Health').innerText(), /unhealthy\s+connection refused/);
      assert.match(await factOf(page, 'state', 'Created').innerText(), /Nov 30, 2026/);
      assert.equal(await factOf(page, 'limits', 'Memory').innerText(), '64 MiB');
      assert.match(await factOf(page, 'network', 'Port 80/tcp').innerText(), /0\.0\.0\.0:8080/);
      assert.deepEqual(await violations(page), []);
      assert.deepEqual(await obstacles(page), []);
      await picture(page, `inspect-${theme}`);
      await page.getByRole('tab', { name: 'JSON' }).click();
      await page.locator('#search').fill('shop');
      await page.getByText('4 found').waitFor();
      await page.locator('#search').press('Enter');
      await page.locator('#whole').waitFor();
      assert.deepEqual(await violations(page), []);
      await picture(page, `inspect-json-${theme}`);
      await page.close();
    });
  }

  it('has its columns below each other where there is no room beside', async () => {
    const page = await opened();
    for (const width of [1100, 550, 400]) {
      await page.setViewportSize({ width, height: 500 });
      const parts = '[...document.querySelectorAll(".parts, html")]';
      assert.equal(
        await page.evaluate(`${parts}.every(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)`),
        true,
        `${width}`,
      );
    }
    await page.close();
  });

  it('finds in keys and values, goes from match to match, and narrows to them', async () => {
    const page = await opened();
    await page.keyboard.press('Control+f');
    await page.locator('#search').waitFor();
    assert.equal(await page.evaluate('document.activeElement.id'), 'search');
    await page.keyboard.type('memory');
    await page.getByText('1 found').waitFor();
    assert.deepEqual(await page.locator('#json mark').allInnerTexts(), ['Memory']);
    await page.locator('#search').fill('nginx');
    await page.getByText('2 found').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('Match 1 of 2').waitFor();
    assert.equal(await page.locator('.path').innerText(), '$.Path');
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('.path').innerText(), '$.Config.Cmd[0]');
    await page.keyboard.press('Shift+Enter');
    await page.getByText('Match 1 of 2').waitFor();
    await page.locator('#only').check();
    assert.deepEqual(await names(page), ['Path', 'Config', 'Cmd', '0']);
    await page.locator('#search').fill('nothing like it');
    await page.getByText('Nothing is found').waitFor();
    assert.deepEqual(await names(page), []);
    await page.keyboard.press('Escape');
    assert.equal((await names(page))[0], 'Id');
    await page.close();
  });

  it('folds, unfolds, and copies values and their paths', async () => {
    const page = await opened();
    await page.getByRole('tab', { name: 'JSON' }).click();
    const folded = await rows(page).count();
    assert.equal(folded, Object.keys(inspectedContainer).length);
    await page.locator('#unfold').click();
    assert.ok((await rows(page).count()) > folded);
    await page.locator('#fold').click();
    assert.equal(await rows(page).count(), folded);
    await page.locator('#json').focus();
    await page.keyboard.press('Home');
    await page.keyboard.type('config');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.locator('#copy-path').click();
    assert.deepEqual(await lastSent(page), { type: 'copy', text: '$.Config.Image' });
    await page.locator('#copy-value').click();
    assert.deepEqual(await lastSent(page), { type: 'copy', text: 'shop/web:3' });
    await page.locator('#copy-all').click();
    assert.deepEqual(JSON.parse(String((await lastSent(page))?.['text'])), inspectedContainer);
    await page.locator('#document').click();
    assert.deepEqual(await lastSent(page), { type: 'document' });
    await page.close();
  });

  it('follows what it is about, keeps what was unfolded, and says when it is gone', async () => {
    const page = await opened();
    await page.getByRole('tab', { name: 'JSON' }).click();
    await page.locator('#json .key', { hasText: 'State' }).click();
    const status = page.locator('#json [role=treeitem]', { hasText: 'Status' }).first();
    assert.match(await status.innerText(), /"exited"/);
    const State = { ...inspectedContainer.State, Status: 'running' };
    await send(page, described({ ...inspectedContainer, State }));
    assert.match(await status.innerText(), /"running"/);
    await send(page, { type: 'gone', message: 'web is no longer there.' });
    assert.match(await page.locator('#notice').innerText(), /no longer there/);
    assert.match(await status.innerText(), /"running"/);
    await page.reload();
    await send(page, start, described(inspectedContainer));
    await page.locator('#json .key', { hasText: 'OOMKilled' }).waitFor();
    assert.equal(await page.locator('#notice').innerText(), '');
    await page.close();
  });
});
