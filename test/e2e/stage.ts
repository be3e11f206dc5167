import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchChromium } from '../../scripts/browser.ts';
import { buildAll } from '../../scripts/build.ts';
import { ensureImage, type LocalAgent, startLocalAgent } from '../../scripts/local-agent.ts';
import { packageExtension } from '../../scripts/package.ts';
import { makeStarterImage, starterImage } from '../../scripts/starter-image.ts';
import { serveVsCode } from '../../scripts/vscode.ts';
import { Workbench } from './workbench.ts';

/** A real agent with containers worth a look: for pictures, not for tests. */
export interface Stage {
  /** Shows VS Code in a theme, and resolves when what was to be done with it is done. */
  show(theme: string, act: (workbench: Workbench) => Promise<void>): Promise<void>;
}

/** Works for a moment, rests for a moment, and keeps a little more in memory each time: something to see in a chart. */
const busy = `
kept=
while :; do
  i=0
  while [ $i -lt 500000 ]; do i=$((i + 1)); done
  [ \${#kept} -lt 4000000 ] && kept="$kept$(head -c 200000 /dev/zero | tr '\\0' x)"
  sleep 2
done`;

/** Builds everything, and removes everything at the end. */
export async function onStage(play: (stage: Stage) => Promise<void>): Promise<void> {
  await buildAll();
  const extensionDir = await packageExtension();
  const dir = await mkdtemp(join(tmpdir(), 'ph-'));
  let agent: LocalAgent | undefined;
  try {
    const execRoot = join(dir, 'exec');
    agent = await startLocalAgent({ dataRoot: join(dir, 'data'), execRoot, socket: join(execRoot, 'porthole.sock') });
    await ensureImage(agent.docker, starterImage, makeStarterImage);
    await run(agent, { name: 'heartbeat', volume: 'journal' });
    await run(agent, { name: 'busy', command: ['sh', '-c', busy] });
    await run(agent, { name: 'one-shot', command: ['sh', '-c', 'exit 3'] });
    const { places } = agent;
    await play({ show: (theme, act) => show({ extensionDir, dir, places, theme }, act) });
  } finally {
    await agent?.stop({ containers: 'remove' });
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function run(
  { docker }: LocalAgent,
  { name, command, volume }: { name: string; command?: string[]; volume?: string },
): Promise<void> {
  const container = await docker.createContainer({
    name,
    Image: starterImage,
    ...(command && { Cmd: command }),
    HostConfig: {
      Memory: 16 << 20,
      NanoCpus: 500_000_000,
      PidsLimit: 20,
      ...(volume !== undefined && { Binds: [`${volume}:/var/${volume}`] }),
    },
  });
  await container.start();
}

async function show(
  options: { extensionDir: string; dir: string; places: LocalAgent['places']; theme: string },
  act: (workbench: Workbench) => Promise<void>,
): Promise<void> {
  const { extensionDir, dir, places, theme } = options;
  const folder = join(dir, 'workspace');
  await mkdir(folder, { recursive: true });
  const served = await serveVsCode({
    extensionDir,
    folder,
    env: {
      PORTHOLE_HOST_SOCKET: places.socket,
      PORTHOLE_DATA_ROOT: places.dataRoot,
      PORTHOLE_EXEC_ROOT: places.execRoot,
    },
    settings: { 'workbench.colorTheme': theme, 'breadcrumbs.enabled': false },
  });
  try {
    const browser = await launchChromium();
    try {
      const page = await browser.newPage({ viewport: { width: 1440, height: 860 } });
      page.setDefaultTimeout(60_000);
      await page.goto(served.url);
      const workbench = new Workbench(page);
      await workbench.openContainer('Porthole');
      await workbench.row('Images', /porthole\/starter/).waitFor();
      await widen(page);
      await act(workbench);
    } finally {
      await browser.close();
    }
  } finally {
    await served.stop();
  }
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
