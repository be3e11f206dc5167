import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium, launchChromium } from '../../scripts/browser.ts';
import { ensureImage, type LocalAgent, startLocalAgent } from '../../scripts/local-agent.ts';
import { screenshotsDir } from '../../scripts/paths.ts';
import { installPackages } from '../../scripts/prerequisites.ts';
import { makeStarterImage, starterImage } from '../../scripts/starter-image.ts';
import { serveVsCode } from '../../scripts/vscode.ts';
import { messageOf } from '../../src/base/errors.ts';
import { leftBehind, takeSnapshot } from '../support/leaks.ts';
import { type SmokeContext, steps } from './smoke-steps.ts';
import { Workbench } from './workbench.ts';

export interface SmokeOptions {
  /** The packaged extension, unpacked. */
  readonly extensionDir: string;
}

/** The whole path through the UI of a real VS Code, on roots of its own. Rejects at the first step that is not seen. */
export async function smoke({ extensionDir }: SmokeOptions): Promise<void> {
  await needChromium();
  const before = takeSnapshot();
  await rm(screenshotsDir, { recursive: true, force: true });
  await mkdir(screenshotsDir, { recursive: true });
  const dir = await mkdtemp(join(tmpdir(), 'porthole-smoke-'));
  let agent: LocalAgent | undefined;
  try {
    agent = await startLocalAgent({
      dataRoot: join(dir, 'data'),
      execRoot: join(dir, 'exec'),
      socket: join(dir, 'exec/porthole.sock'),
    });
    await ensureImage(agent.docker, starterImage, makeStarterImage);
    await drive({ extensionDir, agent, dir });
  } finally {
    await agent?.stop({ containers: 'remove' });
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  }
  const left = await leftBehind(before);
  if (left.length > 0) {
    const others = 'If another engine or test works on this machine: PORTHOLE_LEAKS=off';
    throw new Error(
      `Every step was seen, but there is more on this machine than before:\n  ${left.join('\n  ')}\n${others}`,
    );
  }
  console.log('  ✓ nothing is left behind');
  console.log(`${steps.length + 1} passed, 0 failed, 0 skipped`);
}

async function drive({ extensionDir, agent, dir }: SmokeOptions & { agent: LocalAgent; dir: string }): Promise<void> {
  const folder = join(dir, 'workspace');
  await mkdir(folder);
  const served = await serveVsCode({
    extensionDir,
    folder,
    env: {
      PORTHOLE_HOST_SOCKET: agent.places.socket,
      PORTHOLE_DATA_ROOT: agent.places.dataRoot,
      PORTHOLE_EXEC_ROOT: agent.places.execRoot,
    },
    // Drawn as elements, so that what a user reads can be read here.
    settings: { 'terminal.integrated.gpuAcceleration': 'off' },
  });
  try {
    const browser = await launchChromium();
    try {
      const page = await browser.newPage({ viewport: { width: 1500, height: 950 } });
      page.setDefaultTimeout(30_000);
      await page.goto(served.url);
      const context: SmokeContext = { workbench: new Workbench(page), docker: agent.docker, starterImage };
      for (const [at, { name, run }] of steps.entries()) {
        const number = String(at + 1).padStart(2, '0');
        const begun = Date.now();
        try {
          await run(context);
        } catch (failure) {
          const shot = join(screenshotsDir, `${number}-failed.png`);
          await page.screenshot({ path: shot });
          const said = await context.workbench.notifications();
          const why = `${messageOf(failure)}\nVS Code says ${JSON.stringify(said)}; see ${shot}`;
          throw new Error(`Step ${number} "${name}" was not seen: ${why}`, { cause: failure });
        }
        await page.screenshot({ path: join(screenshotsDir, `${number}-${name.replace(/\W+/g, '-')}.png`) });
        console.log(`  ✓ ${number} ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
      }
    } finally {
      await browser.close();
    }
  } finally {
    await served.stop();
  }
}

/** Installs Chromium where that takes no question: root on Debian. */
async function needChromium(): Promise<void> {
  if (findChromium() !== undefined) return;
  await installPackages(['chromium']);
  if (findChromium() === undefined) {
    throw new Error('--smoke needs Chromium: install it, or name one in PORTHOLE_CHROMIUM');
  }
}
