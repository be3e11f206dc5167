import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../../scripts/paths.ts';
import { commandRows } from '../../src/extension/commands/rows.ts';
import { onStage } from './stage.ts';
import type { Workbench } from './workbench.ts';

/** Every view and editor in every kind of theme, to be looked at: `npx tsx test/e2e/gallery.ts [THEME]`, into .screenshots/gallery. */

const folder = join(root, '.screenshots/gallery');
const themes = {
  light: 'Default Light Modern',
  dark: 'Default Dark Modern',
  'contrast-dark': 'Default High Contrast',
  'contrast-light': 'Default High Contrast Light',
} as const;

const wanted = process.argv[2];
await mkdir(folder, { recursive: true });
await onStage(async (stage) => {
  for (const [name, theme] of Object.entries(themes)) {
    if (wanted !== undefined && wanted !== name) continue;
    await stage.show(theme, async (workbench) => {
      try {
        await look(workbench, name);
      } catch (failure) {
        await workbench.page.screenshot({ path: join(folder, `failed-${name}.png`) });
        throw failure;
      }
    });
  }
});

async function look(workbench: Workbench, theme: string): Promise<void> {
  const { page } = workbench;
  const take = async (name: string): Promise<void> => {
    await page.mouse.move(1000, 850);
    const path = join(folder, `${name}-${theme}.png`);
    await page.screenshot({ path });
    console.log(`  ${path}`);
  };

  // The containers have the side bar to themselves.
  for (const pane of ['Images', 'Volumes']) await page.locator('.pane-header', { hasText: pane }).click();
  const heartbeat = workbench.row('Containers', /^heartbeat/);
  await workbench.unfold(heartbeat);
  for (const section of [/^Processes/, /^Namespaces/, /^Mounts/]) {
    await workbench.unfold(workbench.row('Containers', section));
  }
  await workbench.row('Containers', /^net/).waitFor();
  await take('container');
  await heartbeat.click({ button: 'right' });
  await page.getByRole('menuitem', { name: commandRows['porthole.container.update'].title }).waitFor();
  await take('menu');
  await page.keyboard.press('Escape');

  await workbench.pick(workbench.row('Containers', /^busy/), commandRows['porthole.container.usage'].title);
  const usage = await workbench.webview(/cgroup usage of/i);
  await usage.locator('#history tbody tr').nth(4).waitFor({ state: 'attached' });
  await take('usage');
  await workbench.pick(heartbeat, commandRows['porthole.container.birth'].title);
  await workbench.webview(/pivot_root/);
  await take('birth');
  await workbench.pick(heartbeat, commandRows['porthole.container.logs'].title);
  await (await workbench.webview(/Logs of/i)).locator('.line').first().waitFor();
  await take('logs');
  await workbench.pick(heartbeat, commandRows['porthole.container.isolation'].title);
  await workbench.webview(/Isolation of/);
  await take('isolation');
  await workbench.pick(workbench.row('Containers', /^one-shot/), commandRows['porthole.container.timeline'].title);
  await workbench.webview(/Timeline of|Life of/i);
  await take('timeline');
  // Its process has ended; its files are there.
  await workbench.unfold(workbench.row('Containers', /^one-shot/));
  await workbench.unfold(workbench.row('Containers', /^Files/));
  await workbench.unfold(workbench.row('Containers', /^etc/));
  await workbench.row('Containers', /^(motd|group|hosts|passwd)/).click();
  await page.locator('.monaco-editor .view-line').first().waitFor();
  await take('files');
  await page.locator('.pane-header', { hasText: 'Volumes' }).click();
  await workbench.unfold(workbench.row('Volumes', /^journal/));
  await take('volumes');
  await page.locator('.pane-header', { hasText: 'Volumes' }).click();
  await page.locator('.pane-header', { hasText: 'Images' }).click();
  const image = workbench.row('Images', /^porthole.starter/);
  await workbench.unfold(image);
  await workbench.row('Images', /^Configuration/).waitFor();
  await take('images');
  await workbench.pick(image, commandRows['porthole.image.layers'].title);
  await (await workbench.webview(/Layers of/i)).locator('[role=treeitem]').first().waitFor();
  await take('layers');
}
