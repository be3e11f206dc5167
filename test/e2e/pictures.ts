import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { root } from '../../scripts/paths.ts';
import { commandRows } from '../../src/extension/commands/rows.ts';
import { onStage } from './stage.ts';
import type { Workbench } from './workbench.ts';

/** Takes the README's pictures anew, from a real VS Code with a real agent: `npx tsx test/e2e/pictures.ts`. */

const folder = join(root, 'docs/images');
const largest = 200_000;

await mkdir(folder, { recursive: true });
await onStage((stage) => stage.show('Default Dark Modern', pictures));

async function pictures(workbench: Workbench): Promise<void> {
  const { page } = workbench;
  const image = workbench.row('Images', /porthole\/starter/);
  await workbench.pick(workbench.row('Containers', /^busy/), commandRows['porthole.container.usage'].title);
  const usage = await workbench.webview(/cgroup usage of/i);
  // The table of the last readings is full: so the charts have something to show.
  await usage.locator('#history tbody tr').nth(19).waitFor({ state: 'attached', timeout: 60_000 });
  await take(page, 'usage');

  await workbench.pick(workbench.row('Containers', /^heartbeat/), commandRows['porthole.container.birth'].title);
  const birth = await workbench.webview(/pivot_root/);
  await birth.locator('vscode-text-field').first().click();
  await page.keyboard.type('mount');
  await birth.locator('#count').filter({ hasText: /\d/ }).waitFor();
  await take(page, 'birth');

  await workbench.unfold(image);
  await workbench.unfold(workbench.row('Images', /edit \/etc\/motd/));
  await workbench.unfold(workbench.row('Images', /^etc/));
  await workbench.row('Images', /^motd/).click();
  await page.locator('.monaco-diff-editor .line-insert').first().waitFor({ state: 'attached' });
  await take(page, 'layers');

  await workbench.pick(workbench.row('Containers', /^heartbeat/), commandRows['porthole.container.exec'].title);
  await page.locator('.terminal-wrapper.active .xterm-screen').waitFor();
  await workbench.type('cat /etc/motd; ps\n');
  await workbench.row('Containers', /^busy/).click({ button: 'right' });
  await page.getByRole('menuitem', { name: commandRows['porthole.container.usage'].title }).waitFor();
  await take(page, 'run', { menuOpen: true });
}

async function take(page: Page, name: string, { menuOpen = false } = {}): Promise<void> {
  const path = join(folder, `${name}.png`);
  if (!menuOpen) await page.mouse.move(700, 850);
  await page.screenshot({ path });
  const { size } = await stat(path);
  if (size > largest) throw new Error(`${path} has ${size} bytes, more than ${largest}`);
  console.log(`  ${path} (${Math.round(size / 1000)} kB)`);
}
