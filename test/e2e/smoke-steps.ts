import assert from 'node:assert/strict';
import type Docker from 'dockerode';
import { until } from '../../scripts/processes.ts';
import { commandRows } from '../../src/extension/commands/rows.ts';
import type { Workbench } from './workbench.ts';

export interface SmokeContext {
  readonly workbench: Workbench;
  /** A second witness: what the agent itself says. Steps assert on the UI first. */
  readonly docker: Docker;
  readonly starterImage: string;
}

interface Step {
  readonly name: string;
  run(context: SmokeContext): Promise<void>;
}

/** The tree writes an image's name without docker.io and, where it likes, without the tag. */
const image = /porthole\/starter/;
/** The container's row: it names the image it came from. */
const container = /porthole\/starter|starter/;

/** What a user does and sees, in order. Each step waits until it is seen in the window. */
export const steps: readonly Step[] = [
  {
    name: 'host is connected',
    run: async ({ workbench }) => {
      await workbench.openContainer('Porthole');
      const host = workbench.row('Hosts', 'This machine');
      await host.waitFor();
      await until('the host is connected', async () => /\bconnected\b/i.test(await words(host)));
    },
  },
  {
    name: 'the starter image is listed',
    run: async ({ workbench }) => workbench.row('Images', image).waitFor(),
  },
  {
    name: 'run from the context menu',
    run: async ({ workbench, docker }) => {
      await workbench.pick(workbench.row('Images', image), commandRows['porthole.image.run'].title);
      const row = workbench.row('Containers', container);
      await row.waitFor();
      await until('the container is shown running', async () => /running|up /i.test(await words(row)));
      const running = await docker.listContainers();
      assert.equal(running.length, 1);
    },
  },
  {
    name: 'exec from the context menu and echo',
    run: async ({ workbench }) => {
      await workbench.pick(workbench.row('Containers', container), commandRows['porthole.container.exec'].title);
      await until('a prompt', async () => /[#$] *$/m.test((await workbench.terminalText()).trimEnd()));
      // The sum is done by the shell: the typed line alone does not hold the answer.
      await workbench.type('echo porthole-$((6*7)) in $(hostname)\n');
      await until('the answer', async () => /porthole-42 in [0-9a-f]{12}/.test(await workbench.terminalText()));
    },
  },
  {
    name: 'the terminal ends with the exit code',
    run: async ({ workbench }) => {
      await workbench.type('exit 7\n');
      await until('the exit code', async () => {
        const shown = [await workbench.terminalText(), ...(await workbench.notifications())].join('\n');
        return /\b(code|exit\w*|status)\b[^\n]*\b7\b/i.test(shown);
      });
    },
  },
  {
    name: 'a layer unfolds into its files',
    run: async ({ workbench }) => {
      await workbench.dismissTerminal();
      await workbench.unfold(workbench.row('Images', image));
      const layers = workbench.view('Images').locator('[role=treeitem][aria-level="2"]');
      await layers.first().waitFor();
      assert.ok((await layers.count()) >= 2, 'the starter image has several layers');
      // The second layer edits a file of the first one.
      await workbench.unfold(workbench.row('Images', /edit \/etc\/motd/));
      await workbench.unfold(workbench.row('Images', /^etc/));
      await workbench.row('Images', /^motd/).waitFor();
    },
  },
  {
    name: 'a modified file opens as a diff',
    run: async ({ workbench }) => {
      await workbench.row('Images', /^motd/).click();
      const diff = workbench.page.locator('.monaco-diff-editor');
      await diff.waitFor();
      await diff.locator('.line-insert, .char-insert').first().waitFor({ state: 'attached' });
      await workbench.tab(/motd/).waitFor();
    },
  },
  {
    name: 'birth shows the trace',
    run: async ({ workbench }) => {
      await workbench.pick(workbench.row('Containers', container), commandRows['porthole.container.birth'].title);
      const frame = await workbench.webview(/pivot_root/);
      const text = await frame.locator('body').innerText();
      for (const word of [/clone3?|spawn/, /execve|exec/, /cgroup/, /mount/]) assert.match(text, word);
      // Result, time and reason of a step.
      for (const word of [/\bdone\b/, /\d (µs|ms)\b/, /A cgroup of its own/]) assert.match(text, word);
    },
  },
  {
    name: 'cgroup usage shows live figures',
    run: async ({ workbench }) => {
      await workbench.pick(workbench.row('Containers', container), commandRows['porthole.container.usage'].title);
      // By its title: the page of the birth, still there for a moment, speaks of memory and pids too.
      const frame = await workbench.webview(/cgroup usage of[\s\S]*pids/i);
      await until('figures', async () => /\d+(\.\d+)?\s*(KiB|MiB|kB|MB)/.test(await frame.locator('body').innerText()));
      await frame.locator('canvas').first().waitFor();
      await frame.locator('table').filter({ visible: true }).first().waitFor();
      await frame.locator('details summary').click();
      // One reading could be a picture; further ones come only from a page that lives.
      await until('further readings', async () => (await frame.locator('#history tbody tr').count()) >= 4);
    },
  },
  {
    name: 'stop from the context menu',
    run: async ({ workbench }) => {
      await workbench.pick(workbench.row('Containers', container), commandRows['porthole.container.stop'].title);
      const row = workbench.row('Containers', container);
      await until('the container is shown ended', async () => /exited|stopped/i.test(await words(row)));
    },
  },
  {
    name: 'remove from the context menu',
    run: async ({ workbench, docker }) => {
      const row = workbench.row('Containers', container);
      await workbench.pick(row, commandRows['porthole.container.remove'].title);
      await workbench.confirm(/This machine/, /remove/i);
      await row.waitFor({ state: 'detached' });
      assert.deepEqual(await docker.listContainers({ all: true }), []);
    },
  },
];

/** What a row says to eyes and to a screen reader. */
async function words(row: { innerText(): Promise<string>; getAttribute(name: string): Promise<string | null> }) {
  return `${await row.innerText()} ${(await row.getAttribute('aria-label')) ?? ''}`;
}
