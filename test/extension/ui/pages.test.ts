import assert from 'node:assert/strict';
import { isolationOf } from '../../../src/extension/isolation/report.ts';
import { momentOf } from '../../../src/extension/timeline/moments.ts';
import { requires } from '../../support/tools.ts';
import { life, looselyHeld, pastUsage, trace } from './fixtures.ts';
import { PageStage, picture, send, themeNames } from './page-stage.ts';

const subject = { host: 'local', engine: 'porthole', id: '4f0c8d1a2b3c', name: 'clock' };
const start = { type: 'start', subject, texts: { host: 'host!' }, locale: 'en' };

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
  }

  for (const theme of themeNames) {
    it(`show what isolates a container, the open ways first (${theme})`, async () => {
      const page = await stage.show('isolation', theme);
      const findings = isolationOf(looselyHeld, { SecurityOptions: ['name=seccomp,profile=default'] }).map(
        (finding) => ({
          ...finding,
          what: String(finding.what),
          why: String(finding.why),
          ...(finding.how && { how: String(finding.how) }),
        }),
      );
      await send(page, start, { type: 'report', findings });
      assert.equal(await page.locator('.finding').count(), findings.length);
      assert.match(await page.locator('.finding').first().innerText(), /Root in it is root on the host/);
      assert.deepEqual(await page.locator('h2').allInnerTexts(), [
        'Ways to the host that are open',
        'Walls that are thin',
        'Walls that hold',
      ]);
      await page.locator('vscode-button').first().click();
      const sent = await page.evaluate<{ type: string; name: string; text: string } | undefined>('window.sent.at(-1)');
      assert.deepEqual([sent?.type, sent?.name], ['save', 'clock-isolation.json']);
      assert.equal(JSON.parse(sent?.text ?? '').findings.length, findings.length);
      await picture(page, `isolation-${theme}`);
      await page.close();
    });

    it(`show the life of a container (${theme})`, async () => {
      const page = await stage.show('timeline', theme);
      const moments = life.map((entry) => {
        const { what, details, ...rest } = momentOf(entry);
        return { ...rest, time: entry.time, what: String(what), details: details.map(String) };
      });
      // The agent began before this life did: what it used stands on the axis of its life.
      const began = Date.parse('2026-11-30T10:00:00Z');
      const shift = began + 60_000 - 1_750_000_000_000;
      const usage = { ...pastUsage, at: pastUsage.at.map((at) => at + shift) };
      const marks = [{ at: began + 40_000, kind: 'oom' }];
      await send(page, start, { type: 'moments', moments, usage, marks });
      await page.waitForSelector('canvas');
      assert.equal(await page.locator('canvas').count(), 2);
      assert.match(await page.locator('.chart').nth(1).innerText(), /Memory[\s\S]*64 MiB/);
      const items = await page.locator('.moment').allInnerTexts();
      assert.equal(items.length, life.length);
      assert.match(items[0] ?? '', /Ended with exit code 137/);
      assert.match(items[0] ?? '', /Its limit: 64 MiB/);
      assert.match(items.at(-1) ?? '', /Created from img/);
      assert.equal(await page.locator('.moment.bad').count(), 2);
      await picture(page, `timeline-${theme}`);
      await page.close();
    });
  }

  it('say that something is being read, what went wrong, and offer to try again', async () => {
    const page = await stage.show('timeline', 'vscode-dark');
    await send(page, start, { type: 'busy' });
    assert.equal(await page.getAttribute('#app', 'aria-busy'), 'true');
    await send(page, { type: 'problem', message: 'Not connected to web.' });
    assert.equal(await page.getAttribute('#app', 'aria-busy'), 'false');
    assert.match(await page.getByRole('alert').innerText(), /Not connected to web\./);
    await page.getByRole('alert').locator('vscode-button').click();
    assert.deepEqual(await page.evaluate('window.sent.at(-1)'), { type: 'refresh' });
    await send(page, { type: 'moments', moments: [] });
    assert.equal(await page.locator('#problem').innerText(), '');
    await page.close();
  });

  it('take words of others as words', async () => {
    const page = await stage.show('isolation', 'vscode-dark');
    const evil = '<img src=x onerror="window.harmed = true"><script>window.harmed = true</script>\u202e';
    const finding = { id: 'x', verdict: 'open', what: evil, why: evil, how: evil };
    await send(page, { ...start, subject: { ...subject, name: evil } }, { type: 'report', findings: [finding] });
    assert.equal(await page.locator('.finding h3').innerText(), evil);
    assert.equal(await page.locator('main img, main script').count(), 0);
    assert.equal(await page.evaluate('window.harmed'), undefined);
    await page.close();
  });

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
    await send(page, start, { type: 'reading', source: 0, reading: { at: 'soon' } }, { type: 'unheard-of' }, 7);
    assert.match(await page.locator('#lead').innerText(), /Waiting/);
    await page.close();
  });

  it('tell the extension that they are ready, and nothing else unasked', async () => {
    const page = await stage.show('usage', 'vscode-dark');
    await send(page, start, { type: 'ended', source: 0, message: 'over' });
    assert.deepEqual(await page.evaluate('window.sent'), [{ type: 'ready' }]);
    await page.close();
  });
});
