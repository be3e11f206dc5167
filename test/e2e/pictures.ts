import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchChromium } from '../../scripts/browser.ts';
import { buildAll } from '../../scripts/build.ts';
import { ensureImage, type LocalAgent, startLocalAgent } from '../../scripts/local-agent.ts';
import { packageExtension } from '../../scripts/package.ts';
import { root } from '../../scripts/paths.ts';
import { makeStarterImage, starterImage } from '../../scripts/starter-image.ts';
import { serveVsCode } from '../../scripts/vscode.ts';
import { commandRows } from '../../src/extension/commands/rows.ts';
import { Workbench } from './workbench.ts';

/** Takes the README's pictures anew, from a real VS Code with a real agent: `npx tsx test/e2e/pictures.ts`. */

const folder = join(root, 'docs/images');
const largest = 200_000;

/** Works for a moment, rests for a moment, and keeps a little more in memory each time: something to see in a chart. */
const busy = `
kept=
while :; do
  i=0
  while [ $i -lt 500000 ]; do i=$((i + 1)); done
  [ \${#kept} -lt 4000000 ] && kept="$kept$(head -c 200000 /dev/zero | tr '\\0' x)"
  sleep 2
done`;

await buildAll();
const extensionDir = await packageExtension();
const dir = await mkdtemp(join(tmpdir(), 'ph-'));
let agent: LocalAgent | undefined;
try {
  const execRoot = join(dir, 'exec');
  agent = await startLocalAgent({ dataRoot: join(dir, 'data'), execRoot, socket: join(execRoot, 'porthole.sock') });
  await ensureImage(agent.docker, starterImage, makeStarterImage);
  await run(agent, { name: 'heartbeat' });
  await run(agent, { name: 'busy', command: ['sh', '-c', busy] });
  await run(agent, { name: 'one-shot', command: ['sh', '-c', 'exit 3'] });
  await takeAll(agent);
} finally {
  await agent?.stop({ containers: 'remove' });
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
}

async function run({ docker }: LocalAgent, { name, command }: { name: string; command?: string[] }): Promise<void> {
  const container = await docker.createContainer({
    name,
    Image: starterImage,
    ...(command && { Cmd: command }),
    HostConfig: { Memory: 16 << 20, NanoCpus: 500_000_000, PidsLimit: 20 },
  });
  await container.start();
}

async function takeAll({ places }: LocalAgent): Promise<void> {
  const workspace = join(dir, 'workspace');
  await mkdir(workspace);
  await mkdir(folder, { recursive: true });
  const served = await serveVsCode({
    extensionDir,
    folder: workspace,
    env: {
      PORTHOLE_HOST_SOCKET: places.socket,
      PORTHOLE_DATA_ROOT: places.dataRoot,
      PORTHOLE_EXEC_ROOT: places.execRoot,
    },
    settings: { 'workbench.colorTheme': 'Default Dark Modern', 'breadcrumbs.enabled': false },
  });
  try {
    const browser = await launchChromium();
    try {
      const page = await browser.newPage({ viewport: { width: 1440, height: 860 } });
      page.setDefaultTimeout(30_000);
      await page.goto(served.url);
      await pictures(new Workbench(page));
    } finally {
      await browser.close();
    }
  } finally {
    await served.stop();
  }
}

async function pictures(workbench: Workbench): Promise<void> {
  const { page } = workbench;
  await workbench.openContainer('Porthole');
  const image = workbench.row('Images', /porthole\/starter/);
  await image.waitFor();
  await widen(page);

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

/** Room for the names: the side bar's edge is dragged to the right. The host's kernel is nobody's business. */
async function widen(page: Page): Promise<void> {
  await page.locator('.pane-header', { hasText: 'Hosts' }).click();
  const bar = await page.locator('.part.sidebar').boundingBox();
  if (!bar) throw new Error('no side bar');
  await page.mouse.move(bar.x + bar.width, bar.y + 300);
  await page.mouse.down();
  await page.mouse.move(bar.x + bar.width + 90, bar.y + 300, { steps: 5 });
  await page.mouse.up();
}

async function take(page: Page, name: string, { menuOpen = false } = {}): Promise<void> {
  const path = join(folder, `${name}.png`);
  if (!menuOpen) await page.mouse.move(700, 850);
  await page.screenshot({ path });
  const { size } = await stat(path);
  if (size > largest) throw new Error(`${path} has ${size} bytes, more than ${largest}`);
  console.log(`  ${path} (${Math.round(size / 1000)} kB)`);
}
