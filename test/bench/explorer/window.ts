import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { launchChromium } from '../../../scripts/browser.ts';
import type { AgentPlaces } from '../../../scripts/local-agent.ts';
import { packageExtension } from '../../../scripts/package.ts';
import { root } from '../../../scripts/paths.ts';
import { until } from '../../../scripts/processes.ts';
import { serveVsCode } from '../../../scripts/vscode.ts';
import { Workbench } from '../../e2e/workbench.ts';
import { startSshd } from '../../support/sshd.ts';
import { watchPages } from './in-page.ts';
import { type ProbeAnswers, type ProbeName, type ProbeQuestion, probeVariable } from './probe-contract.ts';

/** A VS Code with the probe in its extension host. */
export interface Window {
  readonly page: Page;
  readonly workbench: Workbench;
  /** Holds `empty.js` and `empty.css` for panels. */
  readonly probeDir: string;
  ask<Name extends ProbeName>(name: Name, question?: ProbeQuestion): Promise<ProbeAnswers[Name]>;
  /** Loads the window anew, which starts another extension host. */
  reload(): Promise<void>;
}

export interface WindowOptions {
  /** For everything that is made. */
  readonly dir: string;
  /** The agent that Porthole reaches through a real sshd; none: there is no Porthole. */
  readonly agent?: AgentPlaces;
  readonly signal: AbortSignal;
}

/** Opens a window for as long as the task takes. */
export async function inWindow<T>(options: WindowOptions, task: (window: Window) => Promise<T>): Promise<T> {
  const { dir, agent, signal } = options;
  const endings: (() => Promise<unknown>)[] = [];
  try {
    const probeDir = await buildProbe(join(dir, 'bench.probe-0.0.1'));
    const folder = join(dir, 'workspace');
    await mkdir(folder, { recursive: true });
    const socket = join(dir, 'probe');
    const served = await serveVsCode({
      extensionDir: probeDir,
      beside: agent ? [await packageExtension()] : [],
      folder,
      settings: { 'workbench.hover.delay': 600_000, ...(agent && (await settingsOf(agent, dir, endings))) },
      env: { [probeVariable]: socket },
      say: () => undefined,
    });
    endings.push(() => served.stop());
    const browser = await launchChromium();
    endings.push(() => browser.close());
    // Whatever waits for the window fails then.
    signal.addEventListener('abort', () => void browser.close());
    const context = await browser.newContext({
      viewport: { width: 1500, height: 1500 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await watchPages(page);
    const open = async () => {
      const before = await asked(socket, 'process', {}).catch(() => undefined);
      await page.goto(served.url);
      await until('the probe answers', async () => {
        signal.throwIfAborted();
        const now = await asked(socket, 'process', {}).catch(() => undefined);
        return now !== undefined && now.pid !== before?.pid;
      });
      // VS Code keeps the extension host of a window that is gone for hours, should it come back: it would work beside the new one.
      if (before && existsSync(`/proc/${before.pid}`)) process.kill(before.pid, 'SIGKILL');
    };
    await open();
    return await task({
      ...{ page, workbench: new Workbench(page), probeDir, reload: open },
      ask: (name, question = {}) => {
        signal.throwIfAborted();
        return asked(socket, name, question);
      },
    });
  } finally {
    for (const end of endings.reverse()) await end();
  }
}

/** A host behind an sshd of its own. */
async function settingsOf(agent: AgentPlaces, dir: string, endings: (() => Promise<unknown>)[]) {
  const sshd = await startSshd();
  endings.push(() => sshd.stop());
  const config = join(dir, 'ssh_config');
  await writeFile(config, await readFile(sshd.configFile));
  return {
    'porthole.local.enabled': false,
    'porthole.ssh.configFile': config,
    'porthole.hosts': [{ target: 'sshd', label: 'Loopback', ...agent }],
  };
}

async function buildProbe(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  await build({
    entryPoints: [join(root, 'test/bench/explorer/probe.ts')],
    outfile: join(dir, 'probe.cjs'),
    ...{ bundle: true, platform: 'node', format: 'cjs', target: 'node20', external: ['vscode'], logLevel: 'warning' },
  });
  const manifest = {
    ...{ name: 'probe', publisher: 'bench', version: '0.0.1', engines: { vscode: '^1.100.0' } },
    ...{ main: './probe.cjs', activationEvents: ['onStartupFinished'] },
  };
  await writeFile(join(dir, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(dir, 'empty.css'), 'main { color: red }');
  const row = `const row = document.createElement('p'); row.setAttribute('role', 'treeitem'); row.textContent = 'a row';`;
  await writeFile(join(dir, 'empty.js'), `${row} document.getElementById('app').append(row);`);
  await copyFile(join(root, 'LICENSE'), join(dir, 'LICENSE'));
  return dir;
}

function asked<Name extends ProbeName>(
  socketPath: string,
  name: Name,
  question: ProbeQuestion,
): Promise<ProbeAnswers[Name]> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method: 'POST', path: `/${name}`, agent: false }, (response) => {
      text(response)
        .then((body) => {
          if (response.statusCode !== 200) throw new Error(`${name}: ${body}`);
          const answer: ProbeAnswers[Name] = JSON.parse(body);
          return answer;
        })
        .then(resolve, reject);
    });
    sent.once('error', reject).end(JSON.stringify(question));
  });
}
