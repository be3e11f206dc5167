import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { launchChromium } from './browser.ts';
import { freePort, type Running, start, untilAnswers } from './processes.ts';
import { installVsCode } from './vscode-install.ts';
import { teachChinese } from './vscode-language.ts';

export interface ServeOptions {
  /** An unpacked extension: a folder with a package.json and what it names. */
  readonly extensionDir: string;
  /** Further ones. */
  readonly beside?: readonly string[];
  /** The workspace folder to open. */
  readonly folder: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Kept between runs when given, else temporary. */
  readonly userDataDir?: string;
  /** Added to this process's own; the extension host sees them. */
  readonly env?: NodeJS.ProcessEnv;
  /** Lines of a user's settings.json. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Speaks Simplified Chinese. */
  readonly inChinese?: boolean;
  readonly say?: (line: string) => void;
}

/** A served VS Code. */
export interface ServedVsCode {
  /** Open this in a browser. */
  readonly url: string;
  readonly running: Running;
  /** Ends it and removes what was temporary. */
  stop(): Promise<void>;
}

/** Serves the whole VS Code UI on localhost with the extension installed. */
export async function serveVsCode(options: ServeOptions): Promise<ServedVsCode> {
  const { extensionDir, folder, say = console.log } = options;
  const install = await installVsCode(say);
  const port = options.port ?? (await freePort());
  if (await answers(port)) throw new Error(`Port ${port} of 127.0.0.1 is busy: choose another one with --port`);
  const scratch = await mkdtemp(join(tmpdir(), 'porthole-vscode-'));
  const userDataDir = options.userDataDir ?? join(scratch, 'data');
  // A fresh extensions folder each time: VS Code believes its extensions.json more than what lies there.
  const extensionsDir = join(scratch, 'extensions');
  await mkdir(extensionsDir);
  for (const dir of [extensionDir, ...(options.beside ?? [])]) await symlink(dir, join(extensionsDir, basename(dir)));
  await writeSettings(userDataDir, options.settings ?? {});
  if (options.inChinese === true) await teachChinese(userDataDir, say);
  const running = start(
    install.node,
    [
      install.server,
      ...['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`],
      ...['--user-data-dir', userDataDir, '--extensions-dir', extensionsDir],
      ...['--config', join(scratch, 'config.yaml')],
      ...['--disable-telemetry', '--disable-update-check', '--disable-workspace-trust'],
      ...(options.inChinese === true ? ['--locale', 'zh-cn'] : []),
    ],
    { env: cleanEnv(scratch, options.env) },
  );
  const stop = async () => {
    await running.stop();
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await untilAnswers('VS Code', running, () => answers(port));
  } catch (failure) {
    await stop();
    throw failure;
  }
  return { url: `http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}`, running, stop };
}

export interface SuiteOptions {
  /** The extension's folder, its package.json's `main` built. */
  readonly extensionDir: string;
  /** A CommonJS file that exports `run(): Promise<void>`; it rejects when a test failed. */
  readonly testsEntry: string;
  /** The workspace folder to open. */
  readonly folder: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
  readonly say?: (line: string) => void;
  /** Where to leave a picture of the window when the suite failed or hung. */
  readonly screenshot?: string;
}

/**
 * Runs a test suite inside the extension host of a real VS Code, as `@vscode/test-electron` does with the
 * desktop one. Resolves with 0 when `run` resolved; console output of the suite goes to `say`.
 */
export async function runInVsCode(options: SuiteOptions): Promise<number> {
  const { extensionDir, testsEntry, folder, timeoutMs = 600_000, say = console.log } = options;
  const install = await installVsCode(say);
  const port = await freePort();
  const scratch = await mkdtemp(join(tmpdir(), 'porthole-suite-'));
  await writeSettings(join(scratch, 'data'), options.settings ?? {});
  const running = start(
    install.node,
    [
      install.serverMain,
      ...['--host', '127.0.0.1', '--port', `${port}`, '--without-connection-token'],
      ...['--accept-server-license-terms', '--enable-smoke-test-driver'],
      ...['--server-data-dir', scratch, '--telemetry-level', 'off'],
    ],
    { env: cleanEnv(scratch, options.env) },
  );
  try {
    await untilAnswers('VS Code', running, () => answers(port));
    const browser = await launchChromium();
    try {
      const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
      await page.exposeFunction('codeAutomationLog', (_type: string, args: unknown[]) => {
        const line = args.map(text).join(' ');
        if (!noise.some((pattern) => pattern.test(line))) say(line);
      });
      const exit = new Promise<number>((resolve) => {
        page.exposeFunction('codeAutomationExit', (code: number) => resolve(code));
      });
      const remote = `vscode-remote://127.0.0.1:${port}`;
      const payload = [
        ['extensionDevelopmentPath', `${remote}${extensionDir}`],
        ['extensionTestsPath', `${remote}${testsEntry}`],
        ['skipWelcome', 'true'],
      ];
      const query = `folder=${encodeURIComponent(folder)}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
      await page.goto(`http://127.0.0.1:${port}/?${query}`);
      const code = await within(timeoutMs, Promise.race([exit, running.ended.then((end) => gone(end, running))]));
      if (code !== 0 && options.screenshot !== undefined) await page.screenshot({ path: options.screenshot });
      if (code === undefined) say(`The suite did not end within ${timeoutMs / 1000} s`);
      return code ?? 1;
    } finally {
      await browser.close();
    }
  } finally {
    await running.stop();
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** What VS Code itself logs: native modules that are not built, its marketplace out of reach, its sockets. */
const noise = [
  /Could not locate the bindings file/,
  /build\/Release\/watchdog/,
  /open-vsx\.org/,
  /^(Resolv(ing|ed) connection token|Creating a socket|Updating additional builtin)/,
  /^(Creation of workbench contribution|Timed out waiting for authentication provider)/,
  /^\[(reconnection-grace-time|Service Worker|AgentHost|AccountPolicyGate)/,
];

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function gone(end: string, running: Running): never {
  throw new Error(`VS Code ended early (${end})\n${running.output()}`);
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * VS Code started from a VS Code terminal would find the outer one's sockets in its environment. What it leaves lying about
 * (sockets, heartbeats) goes where it is removed.
 */
function cleanEnv(scratch: string, extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VSCODE_|ELECTRON_|NODE_OPTIONS$)/.test(name));
  const places = { TMPDIR: scratch, XDG_DATA_HOME: scratch };
  return { ...Object.fromEntries(inherited), ...places, ...extra };
}

async function writeSettings(dataDir: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
  const quiet = {
    'workbench.startupEditor': 'none',
    'workbench.tips.enabled': false,
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
    'chat.disableAIFeatures': true,
    'security.workspace.trust.enabled': false,
    'telemetry.telemetryLevel': 'off',
    'extensions.ignoreRecommendations': true,
    'git.enabled': false,
  };
  if (existsSync(join(dataDir, 'User/settings.json'))) return;
  // Of the scope `machine` VS Code believes only what the machine's own settings say, once it knows the extension.
  for (const folder of ['User', 'Machine']) {
    await mkdir(join(dataDir, folder), { recursive: true });
    const text = `${JSON.stringify({ ...quiet, ...settings }, undefined, 2)}\n`;
    await writeFile(join(dataDir, folder, 'settings.json'), text);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
