import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../../../scripts/browser.ts';
import { pageEntries } from '../../../scripts/bundles.ts';
import type { PageName } from '../../../src/extension/panels/page-names.ts';

/** Colours of VS Code's own themes, as it sets them on a webview's root. */
export const themes = {
  'vscode-dark': {
    focusBorder: '#0078d4',
    foreground: '#cccccc',
    descriptionForeground: '#9d9d9d',
    'editor-background': '#1f1f1f',
    'editorWidget-background': '#202020',
    'widget-border': '#454545',
    'list-hoverBackground': '#2a2d2e',
    errorForeground: '#f85149',
    'charts-blue': '#3794ff',
    'charts-green': '#89d185',
    'charts-purple': '#b180d7',
    'editorWarning-foreground': '#d18616',
    'input-background': '#313131',
    'input-foreground': '#cccccc',
    'button-secondaryBackground': '#313131',
    'button-secondaryForeground': '#cccccc',
    'gitDecoration-addedResourceForeground': '#81b88b',
    'gitDecoration-modifiedResourceForeground': '#e2c08d',
    'gitDecoration-deletedResourceForeground': '#c74e39',
  },
  'vscode-light': {
    focusBorder: '#005fb8',
    foreground: '#3b3b3b',
    descriptionForeground: '#616161',
    'editor-background': '#ffffff',
    'editorWidget-background': '#f8f8f8',
    'widget-border': '#c8c8c8',
    'list-hoverBackground': '#f2f2f2',
    errorForeground: '#c72e0f',
    'charts-blue': '#0063d3',
    'charts-green': '#388a34',
    'charts-purple': '#652d90',
    'editorWarning-foreground': '#d18616',
    'input-background': '#ffffff',
    'input-foreground': '#3b3b3b',
    'button-secondaryBackground': '#e5e5e5',
    'button-secondaryForeground': '#3b3b3b',
    'gitDecoration-addedResourceForeground': '#587c0c',
    'gitDecoration-modifiedResourceForeground': '#895503',
    'gitDecoration-deletedResourceForeground': '#ad0707',
  },
  'vscode-high-contrast': {
    focusBorder: '#f38518',
    foreground: '#ffffff',
    descriptionForeground: '#ffffff',
    'editor-background': '#000000',
    contrastBorder: '#6fc3df',
    contrastActiveBorder: '#f38518',
    errorForeground: '#f48771',
    'charts-blue': '#3794ff',
    'charts-green': '#89d185',
    'charts-purple': '#b180d7',
    'editorWarning-foreground': '#d18616',
    'input-background': '#000000',
    'input-foreground': '#ffffff',
    'gitDecoration-addedResourceForeground': '#a1e3ad',
    'gitDecoration-modifiedResourceForeground': '#e2c08d',
    'gitDecoration-deletedResourceForeground': '#c74e39',
  },
  'vscode-high-contrast-light': {
    focusBorder: '#006bbd',
    foreground: '#292929',
    descriptionForeground: '#292929',
    'editor-background': '#ffffff',
    contrastBorder: '#0f4a85',
    contrastActiveBorder: '#006bbd',
    errorForeground: '#b5200d',
    'charts-blue': '#0f4a85',
    'charts-green': '#374e06',
    'charts-purple': '#652d90',
    'editorWarning-foreground': '#895503',
    'input-background': '#ffffff',
    'input-foreground': '#292929',
    'gitDecoration-addedResourceForeground': '#374e06',
    'gitDecoration-modifiedResourceForeground': '#895503',
    'gitDecoration-deletedResourceForeground': '#ad0707',
  },
} as const;
export type Theme = keyof typeof themes;
export const themeNames = Object.keys(themes).filter((name): name is Theme => name in themes);

/** With PORTHOLE_SCREENSHOTS=DIR every page is left there as a picture, to be looked at. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['PORTHOLE_SCREENSHOTS'];
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}

/** The bundled pages, opened alone in a browser with a stand-in for the half of the wire that VS Code holds. */
export class PageStage {
  readonly #browser: Browser;
  readonly #folder: string;

  private constructor(browser: Browser, folder: string) {
    this.#browser = browser;
    this.#folder = folder;
  }

  static async open(): Promise<PageStage> {
    const folder = await mkdtemp(path.join(tmpdir(), 'porthole-pages-'));
    await build({
      entryPoints: await pageEntries(),
      outdir: folder,
      bundle: true,
      format: 'iife',
      logLevel: 'silent',
    });
    return new PageStage(await launchChromium(), folder);
  }

  async show(name: PageName, theme: Theme): Promise<Page> {
    const page = await this.#browser.newPage({ viewport: { width: 1100, height: 820 } });
    const colors = Object.entries(themes[theme]).map(([key, value]) => `--vscode-${key}: ${value};`);
    const fonts = '--vscode-font-family: sans-serif; --vscode-font-size: 13px; --vscode-editor-font-family: monospace;';
    const file = path.join(this.#folder, `${name}-${theme}.html`);
    await mkdir(this.#folder, { recursive: true });
    await writeFile(
      file,
      `<!DOCTYPE html><html lang="en" style="${colors.join('')}${fonts}"><head><meta charset="utf-8">
<link rel="stylesheet" href="${name}.css">
<script>
  window.sent = []; window.kept = JSON.parse(sessionStorage.getItem('kept') || 'null');
  window.acquireVsCodeApi = () => ({
    postMessage: (message) => window.sent.push(message),
    getState: () => window.kept,
    setState: (state) => { window.kept = state; sessionStorage.setItem('kept', JSON.stringify(state)); },
  });
</script></head>
<body class="${theme}"><main id="app"></main><script src="${name}.js"></script></body></html>`,
    );
    await page.goto(pathToFileURL(file).href);
    return page;
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** What the extension would send. */
export async function send(page: Page, ...messages: readonly unknown[]): Promise<void> {
  await page.evaluate(
    `for (const message of ${JSON.stringify(messages)}) window.dispatchEvent(new MessageEvent('message', { data: message }))`,
  );
}
