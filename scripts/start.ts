import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildAll } from './build.ts';
import { ensureImage, type LocalAgent, startLocalAgent } from './local-agent.ts';
import { packageExtension } from './package.ts';
import { cacheDir, root } from './paths.ts';
import { findProgram } from './programs.ts';
import { findObstacles, readOptions, type StartOptions, usage } from './start-options.ts';
import { makeStarterImage, starterImage } from './starter-image.ts';
import { serveVsCode } from './vscode.ts';

/** VS Code opens with its own views in front. */
const firstStep = 'Click the porthole in the bar on the left, then Run an Image.';

try {
  await main(readOptions(process.argv.slice(2)));
} catch (failure) {
  console.error(`\n${failure instanceof Error ? failure.message : failure}`);
  process.exitCode = 1;
}

async function main(options: StartOptions): Promise<void> {
  if (options.help) {
    console.log(usage);
    return;
  }
  const obstacles = findObstacles();
  if (obstacles.length > 0) throw new Error(obstacles.join('\n'));
  say('Building ...');
  await buildAll();
  const extensionDir = await packageExtension();
  if (options.smoke) {
    const { smoke } = await import('../test/e2e/smoke.ts');
    await smoke({ extensionDir });
    return;
  }
  const stopping = stopRequest();
  say('Starting the agent ...');
  const agent = await startLocalAgent(options.places);
  try {
    say(agent.isOurs ? `The agent answers on ${agent.places.socket}` : `Using the agent on ${agent.places.socket}`);
    const came = await ensureImage(agent.docker, starterImage, makeStarterImage);
    say(
      `The image ${starterImage} is ${came}. Try: docker -H unix://${agent.places.socket} run --rm ${starterImage} ls`,
    );
    await openVsCode(agent, { ...options, extensionDir, stopping });
  } finally {
    say('Stopping ...');
    await agent.stop({ containers: options.keep ? 'keep' : 'stop' });
  }
}

/** Opens a VS Code and resolves when the user closed it or asked to stop. */
async function openVsCode(
  { places }: LocalAgent,
  { extensionDir, port, serve, stopping }: StartOptions & { extensionDir: string; stopping: Promise<unknown> },
): Promise<void> {
  const env = {
    PORTHOLE_HOST_SOCKET: places.socket,
    PORTHOLE_DATA_ROOT: places.dataRoot,
    PORTHOLE_EXEC_ROOT: places.execRoot,
  };
  const code = serve ? undefined : findDesktop();
  if (code !== undefined) {
    say(`Opening VS Code; closing its window or Ctrl-C here ends everything. ${firstStep}`);
    // Root's VS Code refuses to start without a data folder of its own and with Chromium's sandbox.
    const asRoot = ['--no-sandbox', '--user-data-dir', join(cacheDir, 'run/desktop')];
    const args = ['--wait', '--new-window', ...asRoot, `--extensionDevelopmentPath=${root}`, root];
    const child = spawn(code, args, { env: { ...process.env, ...env }, stdio: 'inherit' });
    await Promise.race([once(child, 'exit'), stopping]);
    if (child.exitCode === null) child.kill();
    return;
  }
  const userDataDir = join(cacheDir, 'run/served');
  await mkdir(userDataDir, { recursive: true });
  const served = await serveVsCode({ extensionDir, folder: root, port, userDataDir, env, say });
  try {
    console.log(`\n  Porthole is open at  ${served.url}\n\n  ${firstStep}\n  Ctrl-C ends it.`);
    const end = await Promise.race([stopping, served.running.ended]);
    if (end !== undefined) say(`VS Code ended: ${end}`);
  } finally {
    await served.stop();
    await rm(join(userDataDir, 'logs'), { recursive: true, force: true });
  }
}

/** A desktop VS Code, where there is a desktop to show it on. */
function findDesktop(): string | undefined {
  const hasDisplay = (process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'] ?? '') !== '';
  return hasDisplay ? findProgram('code') : undefined;
}

/** Resolves at the first Ctrl-C or TERM; what is being cleaned up then cannot be interrupted by the same key. */
function stopRequest(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}

function say(line: string): void {
  console.log(`porthole: ${line}`);
}
