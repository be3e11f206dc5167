import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchChromium } from '../../../scripts/browser.ts';
import { buildAll } from '../../../scripts/build.ts';
import { ensureImage, type LocalAgent, startLocalAgent } from '../../../scripts/local-agent.ts';
import { packageExtension } from '../../../scripts/package.ts';
import { until } from '../../../scripts/processes.ts';
import { makeStarterImage, starterImage } from '../../../scripts/starter-image.ts';
import { serveVsCode } from '../../../scripts/vscode.ts';
import { Workbench } from '../workbench.ts';
import { type Language, Phrases } from './phrases.ts';

/** A real agent with containers worth a look: for pictures, not for tests. */
export interface Stage {
  /** Shows VS Code in a language, and resolves when what was to be done with it is done. */
  show(language: Language, act: (set: Set) => Promise<void>): Promise<void>;
}

/** VS Code as it stands there. */
export interface Set {
  readonly workbench: Workbench;
  readonly phrases: Phrases;
  /** Puts another theme on, and waits until the window and the page in it have it. */
  dress(theme: Theme): Promise<void>;
}

/** What each kind of theme is called in the settings, and by the classes of windows and pages. */
export const themes = {
  light: { title: 'Default Light Modern', window: 'vs', page: 'vscode-light' },
  dark: { title: 'Default Dark Modern', window: 'vs-dark', page: 'vscode-dark' },
  'contrast-dark': { title: 'Default High Contrast', window: 'hc-black', page: 'vscode-high-contrast' },
  'contrast-light': { title: 'Default High Contrast Light', window: 'hc-light', page: 'vscode-high-contrast-light' },
} as const;
export type Theme = keyof typeof themes;

/** Works for a moment, rests for a moment, and keeps a little more in memory each time: something to see in a chart. */
const busy = `
kept=
while :; do
  i=0
  while [ $i -lt 500000 ]; do i=$((i + 1)); done
  [ \${#kept} -lt 4000000 ] && kept="$kept$(head -c 200000 /dev/zero | tr '\\0' x)"
  sleep 2
done`;

/** Wants more memory than it may have. */
const greedy = 'kept=$(head -c 64000000 /dev/zero | tr "\\0" x)';

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
    await run(agent, { name: 'greedy', command: ['sh', '-c', greedy] });
    const { places } = agent;
    await play({ show: (language, act) => show({ extensionDir, dir, places, language }, act) });
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
  options: { extensionDir: string; dir: string; places: LocalAgent['places']; language: Language },
  act: (set: Set) => Promise<void>,
): Promise<void> {
  const { extensionDir, dir, places, language } = options;
  const folder = join(dir, 'workspace');
  await mkdir(folder, { recursive: true });
  const userDataDir = join(dir, language);
  const settings = { 'workbench.colorTheme': themes.dark.title, 'breadcrumbs.enabled': false };
  const served = await serveVsCode({
    extensionDir,
    folder,
    userDataDir,
    inChinese: language === 'zh-cn',
    env: {
      PORTHOLE_HOST_SOCKET: places.socket,
      PORTHOLE_DATA_ROOT: places.dataRoot,
      PORTHOLE_EXEC_ROOT: places.execRoot,
    },
    settings,
  });
  try {
    const browser = await launchChromium();
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
      page.setDefaultTimeout(60_000);
      await page.goto(served.url);
      const phrases = await Phrases.of(language);
      const workbench = new Workbench(page);
      await workbench.openContainer('Porthole');
      await workbench.row(phrases.view('images'), /porthole\/starter/).waitFor();
      await widen(page, phrases);
      await act({ workbench, phrases, dress: (theme) => dress({ page, userDataDir }, theme) });
    } finally {
      await browser.close();
    }
  } finally {
    await served.stop();
  }
}

/** Writes the theme where VS Code looks for changes of its settings; what a machine's settings say goes before a user's. */
async function dress({ page, userDataDir }: { page: Page; userDataDir: string }, theme: Theme): Promise<void> {
  const { title, window, page: inPage } = themes[theme];
  for (const folder of ['User', 'Machine']) {
    const file = join(userDataDir, folder, 'settings.json');
    const settings: unknown = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify(Object.assign({}, settings, { 'workbench.colorTheme': title })));
  }
  await page.locator(`.monaco-workbench.${window}`).waitFor();
  await until('the pages have the theme', async () => {
    const dressed = page.frames().map((frame) => frame.locator(`body:not(.${inPage}):has(> main)`).count());
    const others = await Promise.all(dressed.map((count) => count.catch(() => 0)));
    return others.every((count) => count === 0);
  });
}

/** Room for the names: the side bar's edge is dragged to the right. The host's kernel is nobody's business. */
async function widen(page: Page, phrases: Phrases): Promise<void> {
  await page.locator('.pane-header', { hasText: phrases.view('hosts') }).click();
  const bar = await page.locator('.part.sidebar').boundingBox();
  if (!bar) throw new Error('no side bar');
  await page.mouse.move(bar.x + bar.width, bar.y + 300);
  await page.mouse.down();
  await page.mouse.move(bar.x + bar.width + 90, bar.y + 300, { steps: 5 });
  await page.mouse.up();
}
