import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { matrixOf, membersOf } from '../../../src/extension/namespaces/matrix.ts';
import { requires } from '../../support/tools.ts';
import { obstacles } from './keyboard.ts';
import { nameOf, survey } from './namespaces-fixture.ts';
import { PageStage, picture, send, type Theme, themeNames } from './page-stage.ts';
import { violations } from './violations.ts';

const subject = { host: 'local', engine: 'porthole', id: 'idweb', name: 'web' };
const start = { type: 'start', subject, texts: {}, locale: 'en' };
const matrix = { type: 'matrix', matrix: matrixOf(survey, { nameOf, chosen: 'idweb', resting: 2 }) };

describe('The namespaces page', function () {
  this.timeout(120_000);
  let stage: PageStage;

  before(async function () {
    requires(this, { programs: ['chromium'] });
    stage = await PageStage.open();
  });
  after(() => stage?.close());

  async function opened(theme: Theme = 'vscode-dark'): Promise<Page> {
    const page = await stage.show('namespaces', theme);
    await page.exposeFunction('answerTo', ({ type, inode }: { type: string; inode: number }) =>
      type === 'members' ? { type, inode, ...membersOf(survey, inode, { nameOf }) } : undefined,
    );
    await page.evaluate(`window.sent.push = (message) => {
      Array.prototype.push.call(window.sent, message);
      window.answerTo(message).then((data) => data && window.dispatchEvent(new MessageEvent('message', { data })));
    }`);
    await send(page, start, matrix);
    return page;
  }

  const row = (page: Page, name: string) =>
    page.locator('.matrix tbody tr', { has: page.locator('.name', { hasText: new RegExp(`^${name}$`) }) });
  const chip = (page: Page, name: string, column: number) =>
    row(page, name).locator('td').nth(column).locator('.chip').first();
  const focused = (page: Page) => page.evaluate<string>(`document.activeElement.textContent`);

  for (const theme of themeNames) {
    it(`shows who shares what, and axe finds nothing (${theme})`, async () => {
      const page = await opened(theme);
      assert.deepEqual(await page.locator('.matrix .name').allInnerTexts(), [
        'The host itself',
        'web',
        'db',
        'cache',
        'tool',
      ]);
      assert.equal(await chip(page, 'web', 2).textContent(), 'A, shared with db');
      assert.equal(await chip(page, 'cache', 2).textContent(), 'own, shared with nobody');
      assert.equal(await chip(page, 'tool', 2).textContent(), 'host, the host’s');
      assert.match(
        await row(page, 'tool').locator('.apart').innerText(),
        /5 of 8 apart\s+with the host: net, user, time/,
      );
      assert.match(await page.locator('#count').innerText(), /Running containers: 4\. .*: 2\./);
      assert.match(await page.locator('#notice').innerText(), /may not look at: 1\./);
      await chip(page, 'web', 2).click();
      await page.locator('.members tbody tr').nth(2).waitFor();
      assert.deepEqual(await violations(page), []);
      assert.deepEqual(await obstacles(page), []);
      await picture(page, `namespaces-${theme}`);
      await page.close();
    });
  }

  it('shows on demand whose a namespace is, what keeps it, and who is in it', async () => {
    const page = await opened();
    assert.deepEqual(await page.evaluate('window.sent'), [{ type: 'ready' }]);
    await chip(page, 'db', 2).click();
    await page.locator('.members tbody tr').nth(2).waitFor();
    const text = await page.locator('.about').innerText();
    assert.match(text, /The net namespace 1003/);
    assert.match(text, /user namespace 8, made by user 0/);
    assert.match(text, /a mount at \/run\/porthole\/ns\/1003/);
    assert.match(text, /20\s+db\s+postgres/);
    assert.equal(await page.locator('.chip[aria-pressed=true]').count(), 2, 'both cells of it');
    await page.reload();
    await send(page, start, matrix);
    assert.equal(await page.locator('.chip[aria-pressed=true]').count(), 2, 'it is the chosen one again');
    await page.close();
  });

  it('is used by keyboard alone, and keeps its place when it is drawn anew', async () => {
    const page = await opened();
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'host, the host’s');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    assert.equal(await focused(page), 'own, shared with nobody', 'the second namespace of the first column');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    assert.equal(await focused(page), 'A, shared with db');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'The net namespace 1003' }).waitFor();
    await send(page, matrix);
    assert.equal(await focused(page), 'A, shared with db');
    assert.equal(await page.locator('.matrix [tabindex="0"]').count(), 1);
    await page.close();
  });

  it('says when its container does not run', async () => {
    const page = await opened();
    await send(page, { type: 'matrix', matrix: matrixOf(survey, { nameOf, chosen: 'none', resting: 0 }) });
    assert.match(await page.locator('#notice').innerText(), /web does not run/);
    await page.close();
  });
});
