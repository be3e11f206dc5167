import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { requires } from '../../support/tools.ts';
import { pastUsage, reading, updatePlan } from './fixtures.ts';
import { PageStage, send, type Theme, themes } from './page-stage.ts';
import { violations } from './violations.ts';

const subject = { host: 'local', engine: 'porthole', id: '4f0c8d1a2b3c', name: 'clock' };
const start = { type: 'start', subject, texts: {}, locale: 'en' };
const themeNames = Object.keys(themes).filter((name): name is Theme => name in themes);
const one = { type: 'containers', names: ['clock'], plans: true };
const readings = (count: number, source = 0) =>
  Array.from({ length: count }, (_, second) => ({ type: 'reading', source, reading: reading(second) }));
const past = { type: 'history', source: 0, history: pastUsage };
const marks = {
  type: 'marks',
  source: 0,
  marks: [
    { at: 1_750_000_000_000 - 900_000, kind: 'oom' },
    { at: 1_750_000_000_000 - 600_000, kind: 'limits' },
  ],
};

async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['PORTHOLE_SCREENSHOTS'];
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
}

/** What the page has said of a kind, the last. */
const said = (page: Page, type: string): Promise<unknown> =>
  page.evaluate(`window.sent.filter((message) => message.type === '${type}').at(-1)`);

describe('The usage page', function () {
  this.timeout(120_000);
  let stage: PageStage;
  let page: Page;

  before(async function () {
    requires(this, { programs: ['chromium'] });
    stage = await PageStage.open();
  });
  afterEach(() => page?.close());
  after(() => stage?.close());

  for (const theme of themeNames) {
    it(`shows what was and what is, by kind, with limits (${theme})`, async () => {
      page = await stage.show('usage', theme);
      await send(page, start, one, past, marks, ...readings(60));
      await page.waitForSelector('canvas');
      await page.locator('#range').selectOption('60');
      // Pressure is not measured for a cgroup of v1: the page says so instead of a chart.
      assert.equal(await page.locator('canvas').count(), 5);
      assert.match(await page.locator('.chart').last().innerText(), /cgroup v1.*whole machine alone/);
      const memory = await page.locator('.chart').nth(1).innerText();
      assert.match(memory, /Anonymous[\s\S]*File cache/);
      assert.match(memory, /64 MiB/);
      const numbers = await page.locator('#numbers').innerText();
      assert.match(numbers, /0\.5 CPUs/);
      assert.match(numbers, /19 of 590 periods/);
      assert.equal(await page.locator('#numbers tr.alarming').count(), 1);
      await picture(page, `usage-${theme}`);
    });

    it(`compares several containers, each with a line of its own (${theme})`, async () => {
      page = await stage.show('usage', theme);
      const names = { type: 'containers', names: ['clock', 'bell', 'tower'], plans: true };
      const other = readings(30, 1).map(({ reading: read, ...rest }) => ({
        ...rest,
        reading: { ...read, at: read.at + 300, memory: { ...read.memory, current: 9e6 } },
      }));
      await send(page, start, names, past, ...readings(30), ...other);
      await page.waitForSelector('canvas');
      const rows = page.locator('.chart').nth(1).locator('tbody tr');
      assert.deepEqual(await rows.locator('th').allInnerTexts(), ['clock', 'bell']);
      const drawn = await rows
        .locator('line')
        .evaluateAll((lines) =>
          lines.map((line) => `${line.getAttribute('stroke-dasharray')} ${line.getAttribute('style')}`),
        );
      assert.equal(new Set(drawn).size, 2);
      await page.locator('#source').selectOption('1');
      assert.match(await page.locator('#numbers').innerText(), /8\.58 MiB/);
      await picture(page, `usage-several-${theme}`);
    });
  }

  it('shows the past of a container that does not run, and says that it does not', async () => {
    page = await stage.show('usage', 'vscode-dark');
    await send(page, start, one, past, { type: 'ended', source: 0, message: 'clock is not running.' });
    await page.waitForSelector('canvas');
    assert.match(await page.locator('#notice').innerText(), /clock is not running/);
    assert.match(await page.locator('#numbers').innerText(), /Nothing is read now/);
  });

  it('says why nothing is there when nothing is', async () => {
    page = await stage.show('usage', 'vscode-light');
    await send(page, start, one, { type: 'ended', source: 0, message: 'clock is not running.' });
    await page.waitForFunction(`document.querySelector('.empty')?.textContent !== ''`);
    assert.equal(await page.locator('canvas').count(), 0);
    assert.equal(await page.locator('.chart').first().locator('.empty').innerText(), 'No readings of this time.');
  });

  it('shows the writes of a change before it is made, and makes it', async () => {
    page = await stage.show('usage', 'vscode-dark');
    await send(page, start, one, ...readings(2));
    const memory = page.getByLabel('Memory', { exact: true });
    await page.waitForFunction(`document.querySelector('#limit-memory').value === '64 MiB'`);
    await memory.fill('128m');
    // What is read meanwhile does not take away what was typed.
    await send(page, { type: 'reading', source: 0, reading: reading(5) });
    await memory.press('Enter');
    assert.deepEqual(await said(page, 'plan'), { type: 'plan', source: 0, limits: { memory: '128m' } });
    await send(page, { type: 'plan', plan: updatePlan });
    const rows = await page.locator('.writes tbody tr').allInnerTexts();
    assert.match(rows[0] ?? '', /memory\.limit_in_bytes\s+67108864\s+134217728\s+Memory: more than this/);
    assert.match(rows[1] ?? '', /mkdir/);
    assert.deepEqual(await violations(page), []);
    await picture(page, 'usage-plan');
    await page.locator('.plan vscode-button').click();
    assert.deepEqual(await said(page, 'apply'), { type: 'apply', source: 0, limits: { memory: '128m' } });
    await send(page, { type: 'applied', warnings: [] });
    assert.match(await page.locator('.plan').innerText(), /in force/);
    await send(page, { type: 'refused', message: 'write memory.max: EBUSY' });
    assert.match(await page.locator('.plan').innerText(), /EBUSY/);
  });

  it('forgets a plan when something else is typed', async () => {
    page = await stage.show('usage', 'vscode-dark');
    await send(page, start, one, ...readings(2));
    await page.getByLabel('PIDs', { exact: true }).fill('30');
    await page.getByLabel('PIDs', { exact: true }).press('Enter');
    await send(page, { type: 'plan', plan: updatePlan });
    await page.getByLabel('PIDs', { exact: true }).fill('40');
    assert.equal(await page.locator('.plan vscode-button').count(), 0);
  });

  it('says of another engine that it shows no plan', async () => {
    page = await stage.show('usage', 'vscode-dark');
    await send(page, { ...start, subject: { ...subject, engine: 'docker' } }, { ...one, plans: false }, ...readings(2));
    assert.match(await page.locator('.limits').innerText(), /does not tell beforehand/);
    await page.getByLabel('PIDs', { exact: true }).fill('30');
    await page.locator('.limits vscode-button').first().click();
    assert.deepEqual(await said(page, 'apply'), { type: 'apply', source: 0, limits: { pids: '30' } });
  });

  it('saves as CSV, with units in the names of the columns', async () => {
    page = await stage.show('usage', 'vscode-dark');
    await send(page, start, { ...one, names: ['=clock,"x"'] }, past, ...readings(3));
    await page.getByRole('button', { name: 'Save as CSV…' }).click();
    const saved = await page.evaluate<{ name: string; text: string }>('window.sent.at(-1)');
    assert.equal(saved.name, '_clock__x_-usage.csv');
    const lines = saved.text.trimEnd().split('\r\n');
    assert.match(lines[0] ?? '', /^time,container,cpu_percent,.*memory_bytes,.*disk_read_bytes_per_s/);
    assert.equal(lines.length, 1 + pastUsage.at.length + 3);
    assert.match(lines.at(-1) ?? '', /^2025-06-15T15:06:42\.000Z,"'=clock,""x""",/);
  });

  it('keeps the range, and fits into a narrow panel', async () => {
    page = await stage.show('usage', 'vscode-dark');
    await page.setViewportSize({ width: 340, height: 700 });
    await send(page, start, one, past, ...readings(3));
    await page.locator('#range').selectOption('60');
    await page.reload();
    await send(page, start, one, past, ...readings(3));
    assert.equal(await page.locator('#range').inputValue(), '60');
    await page.waitForSelector('canvas');
    const wide = await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
    assert.equal(wide, false);
    await picture(page, 'usage-narrow');
  });
});
