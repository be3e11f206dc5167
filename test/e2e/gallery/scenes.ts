import type { Frame, Locator } from 'playwright-core';
import { until } from '../../../scripts/processes.ts';
import type { commandRows } from '../../../src/extension/commands/rows.ts';
import type { Set as Stage, Theme } from './stage.ts';

/** Something to be seen, one after the other in the same window. */
export interface Scene {
  readonly name: string;
  /** In the README, in this theme. */
  readonly chosen?: Theme;
  /** An editor: looked at in a narrow window, too. */
  readonly isPage?: boolean;
  /** A menu or a list that closes when the settings change: arranged anew for each theme. */
  readonly isBrief?: boolean;
  arrange(stage: Stage): Promise<void>;
}

export const scenes: readonly Scene[] = [
  {
    name: 'usage',
    chosen: 'dark',
    isPage: true,
    async arrange(stage) {
      await open(stage, /^busy/, 'porthole.container.usage');
      const page = await pageWith(stage, '#history tbody tr');
      // The table of the last readings is full: so the charts have something to show.
      await page.locator('#history tbody tr').nth(19).waitFor({ state: 'attached' });
    },
  },
  {
    name: 'container',
    async arrange(stage) {
      const { workbench, phrases } = stage;
      await alone(stage, 'containers');
      await workbench.unfold(container(stage, /^heartbeat/));
      for (const section of ['Processes', 'Namespaces', 'Mounts']) {
        await workbench.unfold(container(stage, new RegExp(`^${phrases.text(section)}`)));
      }
      await container(stage, /^net/).waitFor();
    },
  },
  {
    name: 'menu',
    isBrief: true,
    async arrange(stage) {
      const { workbench, phrases } = stage;
      await container(stage, /^heartbeat/).click({ button: 'right' });
      const entry = phrases.command('porthole.container.update');
      await workbench.page.getByRole('menuitem', { name: entry }).waitFor();
    },
  },
  {
    name: 'limits',
    isBrief: true,
    async arrange(stage) {
      await open(stage, /^heartbeat/, 'porthole.container.update');
      await stage.workbench.page.locator('.quick-input-list').getByRole('option').nth(2).waitFor();
    },
  },
  page('birth', /^heartbeat/, 'porthole.container.birth', '.steps tbody tr', 'dark'),
  page('logs', /^heartbeat/, 'porthole.container.logs', '.line'),
  page('isolation', /^heartbeat/, 'porthole.container.isolation', '.findings li', 'light'),
  page('inspect', /^heartbeat/, 'porthole.container.inspect', '.parts *'),
  page('namespaces', /^heartbeat/, 'porthole.container.namespaces', 'table tbody tr'),
  page('timeline', /^greedy/, 'porthole.container.timeline', '.moments li'),
  {
    name: 'files',
    async arrange(stage) {
      const { workbench, phrases } = stage;
      await workbench.fold(container(stage, /^heartbeat/));
      // Its process has ended; its files are there.
      await workbench.unfold(container(stage, /^one-shot/));
      await workbench.unfold(container(stage, new RegExp(`^${phrases.text('Files')}`)));
      await workbench.unfold(container(stage, /^etc/));
      await container(stage, /^motd/).click();
      await workbench.page.locator('.monaco-editor .view-line').first().waitFor();
    },
  },
  {
    name: 'volumes',
    async arrange(stage) {
      await alone(stage, 'volumes');
      await stage.workbench.unfold(stage.workbench.row(stage.phrases.view('volumes'), /^journal/));
    },
  },
  {
    name: 'layers',
    isPage: true,
    chosen: 'light',
    async arrange(stage) {
      const { workbench, phrases } = stage;
      await alone(stage, 'images');
      const image = workbench.row(phrases.view('images'), /^porthole.starter/);
      await workbench.unfold(image);
      await workbench.pick(image, phrases.command('porthole.image.layers'));
      await (await pageWith(stage, '[role=treeitem]')).locator('[role=treeitem]').first().waitFor();
    },
  },
  {
    name: 'diff',
    chosen: 'dark',
    async arrange(stage) {
      const { workbench, phrases } = stage;
      const row = (label: RegExp) => workbench.row(phrases.view('images'), label);
      await workbench.unfold(row(/edit \/etc\/motd/));
      await workbench.unfold(row(/^etc/));
      await row(/^motd/).click();
      await workbench.page.locator('.monaco-diff-editor .line-insert').first().waitFor({ state: 'attached' });
    },
  },
];

type CommandId = keyof typeof commandRows;

function page(name: string, of: RegExp, command: CommandId, shows: string, chosen?: Theme): Scene {
  return {
    name,
    isPage: true,
    ...(chosen && { chosen }),
    async arrange(stage) {
      await open(stage, of, command);
      await pageWith(stage, shows);
    },
  };
}

const container = ({ workbench, phrases }: Stage, label: RegExp): Locator =>
  workbench.row(phrases.view('containers'), label);

async function open(stage: Stage, of: RegExp, command: CommandId): Promise<void> {
  await stage.workbench.pick(container(stage, of), stage.phrases.command(command));
}

/** One view has the side bar to itself. */
async function alone({ workbench, phrases }: Stage, name: 'containers' | 'images' | 'volumes'): Promise<void> {
  for (const view of ['containers', 'images', 'volumes'] as const) {
    const header = workbench.page.locator('.pane-header', { hasText: phrases.view(view) });
    if ((await header.getAttribute('aria-expanded')) !== `${view === name}`) await header.click();
  }
}

/** The page in front, once it shows something. */
async function pageWith({ workbench }: Stage, selector: string): Promise<Frame> {
  let found: Frame | undefined;
  await until(`a page shows ${selector}`, async () => {
    for (const frame of workbench.page.frames()) {
      const count = frame === workbench.page.mainFrame() ? 0 : frame.locator(selector).count();
      if ((await Promise.resolve(count).catch(() => 0)) > 0) found = frame;
    }
    return found !== undefined;
  });
  if (found === undefined) throw new Error(`No page shows ${selector}`);
  return found;
}
