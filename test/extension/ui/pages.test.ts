import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { requires } from '../../support/tools.ts';
import { reading, trace } from './fixtures.ts';
import { PageStage, send, type Theme, themes } from './page-stage.ts';

const subject = { host: 'local', engine: 'porthole', container: '4f0c8d1a2b3c', name: 'clock' };
const start = { type: 'start', subject, texts: { host: 'host!' }, locale: 'en' };
const themeNames = Object.keys(themes).filter((name): name is Theme => name in themes);

/** With PORTHOLE_SCREENSHOTS=DIR every page is left there as a picture, to be looked at. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['PORTHOLE_SCREENSHOTS'];
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}

describe('The webviews', function () {
  this.timeout(60_000);
  let stage: PageStage;

  before(async function () {
    requires(this, { programs: ['chromium'] });
    stage = await PageStage.open();
  });
  after(() => stage?.close());

  for (const theme of themeNames) {
    it(`show the birth of a container (${theme})`, async () => {
      const page = await stage.show('birth', theme);
      await send(page, start, { type: 'trace', trace, planned: false });
      assert.equal(await page.locator('tbody tr').count(), trace.steps.length);
      assert.match(await page.locator('#summary').innerText(), /4711/);
      assert.match(await page.locator('tbody tr').nth(6).innerText(), /not needed: ENOENT/);
      await picture(page, `birth-${theme}`);
      await page.close();
    });

    it(`show live usage (${theme})`, async () => {
      const page = await stage.show('usage', theme);
      await send(
        page,
        start,
        ...Array.from({ length: 60 }, (_, second) => ({ type: 'reading', reading: reading(second) })),
      );
      await page.waitForSelector('canvas');
      assert.equal(await page.locator('canvas').count(), 3);
      const numbers = await page.locator('#numbers').innerText();
      assert.match(numbers, /0\.5 CPUs/);
      assert.match(numbers, /64 MiB/);
      assert.equal(await page.locator('#numbers tr.alarming').count(), 1);
      await picture(page, `usage-${theme}`);
      await page.close();
    });
  }

  it('filter steps, keep the filter, and say how many are left', async () => {
    const page = await stage.show('birth', 'vscode-dark');
    await send(page, start, { type: 'trace', trace, planned: false });
    await page.locator('vscode-text-field').locator('input').fill('mask /proc');
    assert.equal(await page.locator('tbody tr').count(), 2);
    assert.equal(await page.locator('#count').innerText(), '2 of 12 steps');
    await page.reload();
    await send(page, start, { type: 'trace', trace, planned: false });
    assert.equal(await page.locator('tbody tr').count(), 2);
    await page.close();
  });

  it('say who ran a step in the words of the bundle', async () => {
    const page = await stage.show('birth', 'vscode-dark');
    await send(page, start, { type: 'trace', trace, planned: false });
    assert.equal(await page.locator('tbody tr').first().locator('.who').innerText(), 'host!');
    await page.close();
  });

  it('show a plan as one when nothing has run', async () => {
    const page = await stage.show('birth', 'vscode-dark');
    const steps = trace.steps.map((step) => ({ ...step, result: { state: 'not-run' } }));
    await send(page, start, { type: 'trace', trace: { startedAt: '', steps }, planned: true });
    assert.match(await page.locator('#notice').innerText(), /has not been started/);
    assert.equal(await page.locator('thead th').count(), 3);
    await page.close();
  });

  it('put hostile text on the page as text', async () => {
    const page = await stage.show('birth', 'vscode-dark');
    const [first] = trace.steps;
    assert.ok(first);
    const line = '<img src=x onerror="window.hacked=true"><b>bold</b>';
    await send(page, start, { type: 'trace', trace: { ...trace, steps: [{ ...first, line }] }, planned: false });
    assert.equal(await page.locator('tbody code').innerText(), line);
    assert.equal(await page.evaluate('window.hacked'), undefined);
    await page.close();
  });

  it('ignore messages of another shape', async () => {
    const page = await stage.show('usage', 'vscode-dark');
    await send(page, start, { type: 'reading', reading: { at: 'soon' } }, { type: 'unheard-of' }, 7);
    assert.match(await page.locator('#path').innerText(), /Waiting/);
    await page.close();
  });

  it('tell the extension that they are ready, and nothing else unasked', async () => {
    const page = await stage.show('usage', 'vscode-dark');
    await send(page, start, { type: 'reading', reading: reading(1) });
    assert.deepEqual(await page.evaluate('window.sent'), [{ type: 'ready' }]);
    await page.close();
  });
});
