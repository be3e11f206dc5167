import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import type { Frame, Locator, Page } from 'playwright-core';
import { launchChromium } from '../../../scripts/browser.ts';
import { endAgentAt } from '../../../scripts/local-agent.ts';
import { packageExtension } from '../../../scripts/package.ts';
import { until } from '../../../scripts/processes.ts';
import { starterImage } from '../../../scripts/starter-image.ts';
import { serveVsCode } from '../../../scripts/vscode.ts';
import { type CommandId, commandRows } from '../../../src/extension/commands/rows.ts';
import { startSshd } from '../../support/sshd.ts';
import { Workbench } from '../workbench.ts';
import type { Item } from './covered.ts';

/** How the host of most scenarios is called. */
export const hostName = 'Loopback';
/** Another way to the same agent: to the explorer it is a second host. */
export const secondName = 'Sideway';

interface Made {
  readonly dir: string;
  readonly socket: string;
  readonly page: Page;
  stop(): Promise<void>;
}

/**
 * One VS Code with a host behind a real sshd, for all scenarios. What a scenario clicks and finds is noted, so that
 * what it says it covers is held to what it does.
 */
export class Scene {
  /** Files of this computer: removed at the end. */
  readonly dir: string;
  /** Where `docker login` would keep what it knows on this computer. */
  readonly dockerConfig: string;
  readonly page: Page;
  readonly workbench: Workbench;
  /** A second witness, at the agent's own socket: scenarios look at the window first. */
  readonly docker: Docker;
  readonly #noted = new Set<Item>();
  readonly #stop: () => Promise<void>;

  private constructor({ dir, socket, page, stop }: Made) {
    this.dir = dir;
    this.dockerConfig = dockerConfigIn(dir);
    this.page = page;
    this.workbench = new Workbench(page);
    this.docker = new Docker({ socketPath: socket });
    this.#stop = stop;
  }

  static async open(): Promise<Scene> {
    const endings: (() => Promise<unknown>)[] = [];
    const stop = async () => {
      for (const end of endings.splice(0).reverse()) await end();
    };
    try {
      return new Scene({ ...(await raise(endings)), stop });
    } catch (failure) {
      await stop();
      throw failure;
    }
  }

  close(): Promise<void> {
    return this.#stop();
  }

  /** What was clicked and found since the last call. */
  takeNotes(): Item[] {
    const notes = [...this.#noted];
    this.#noted.clear();
    return notes;
  }

  note(item: Item): void {
    this.#noted.add(item);
  }

  /** Picks a command from a row's context menu, for it and what is selected with it. */
  async choose(row: Locator, id: CommandId, also: readonly Locator[] = []): Promise<void> {
    await this.workbench.pick(row, commandRows[id].title, also);
    this.note(id);
  }

  /** Presses the button of a command in a view's title, or picks it from the menu behind the dots there. */
  async fromTitle(view: string, id: CommandId): Promise<void> {
    const { title } = commandRows[id];
    const pane = this.workbench.view(view);
    await pane.locator('.pane-header').hover();
    const button = pane.locator('.pane-header').getByRole('button', { name: title, exact: true });
    if ((await button.count()) > 0) await button.click();
    else {
      await pane
        .locator('.pane-header')
        .getByRole('button', { name: /^(Views and )?More Actions/ })
        .click();
      const item = this.page.getByRole('menuitem', { name: title, exact: true });
      await item.waitFor();
      await this.#pressed(item);
    }
    this.note(id);
  }

  /** A row once it is there, as one of a kind. */
  async row(kind: `row ${string}` & Item, view: string, label: RegExp): Promise<Locator> {
    const row = this.workbench.row(view, label);
    await row.waitFor();
    this.note(kind);
    this.note(`view ${view.toLowerCase()}`);
    return row;
  }

  /** Waits until a row says something to eyes or to a screen reader. */
  async says(row: Locator, words: RegExp): Promise<void> {
    let said = '';
    await until(`a row says ${words}`, async () => {
      said = `${await row.innerText()} ${(await row.getAttribute('aria-label')) ?? ''}`;
      return words.test(said);
    }).catch((failure: unknown) => {
      throw new Error(`The row says only: ${said}`, { cause: failure });
    });
  }

  container(name: string): Promise<Locator> {
    return this.row('row container', 'Containers', new RegExp(`^${name}`));
  }

  image(name: string): Promise<Locator> {
    return this.row('row image', 'Images', new RegExp(`^${name.replaceAll(/[.:/]/g, '\\$&')}`));
  }

  /** A running container of the starter image, made behind the explorer's back: its row comes with an event. */
  async started(name: string, options: Docker.ContainerCreateOptions = {}): Promise<Docker.Container> {
    const made = await this.docker.createContainer({ name, Image: starterImage, StopTimeout: 1, ...options });
    await made.start();
    return made;
  }

  /** Types into the box that asks, once it asks that. */
  async answer(question: RegExp, text: string): Promise<void> {
    const box = this.page.locator('.quick-input-widget').filter({ hasText: question });
    await box.waitFor();
    const input = box.locator('input[type=text]').first();
    await input.fill(text);
    await input.press('Enter');
  }

  /** Chooses from a list once it asks that: lists that follow each other share entries. */
  async chooseIn(question: RegExp, entry: RegExp): Promise<void> {
    const box = this.page.locator('.quick-input-widget').filter({ hasText: question });
    const option = box.locator('.monaco-list-row').filter({ hasText: entry }).first();
    await option.waitFor();
    await option.click();
  }

  /** Presses a button of the box that asks something: back, or to the end. */
  async pressIn(question: RegExp, button: RegExp): Promise<void> {
    const box = this.page.locator('.quick-input-widget').filter({ hasText: question });
    await box.getByRole('button', { name: button }).click();
  }

  /** Presses a button of a message: the next step that it offers. */
  async pressOffered(words: RegExp, button: RegExp): Promise<void> {
    const message = this.page.locator('.notification-list-item').filter({ hasText: words }).first();
    await message.waitFor();
    // Buttons may be hidden until the pointer is there.
    await message.hover();
    await message.getByRole('button', { name: button }).click();
  }

  /** Runs a command that has no row to be clicked on. */
  async fromPalette(id: CommandId): Promise<void> {
    await this.workbench.command(`Porthole: ${commandRows[id].title}`);
    this.note(id);
  }

  /** Types a path into VS Code's own file dialog and accepts it. */
  async answerPath(title: RegExp, path: string): Promise<void> {
    const box = this.page.locator('.quick-input-widget').filter({ hasText: title });
    await box.waitFor();
    const input = box.locator('input[type=text]').first();
    // The dialog writes its own beginning into the box once it has read the directory, over what was typed before.
    await box.getByRole('option').first().waitFor();
    await until('the dialog takes the path', async () => {
      if (!(await box.isVisible())) return true;
      await input.fill(path, { timeout: 2_000 }).catch(() => undefined);
      await box
        .getByRole('button', { name: /^(OK|Copy)$/ })
        .click({ timeout: 2_000 })
        .catch(() => undefined);
      return box.waitFor({ state: 'hidden', timeout: 3_000 }).then(
        () => true,
        () => false,
      );
    });
  }

  /** Chooses from the list that asks. */
  async select(entry: RegExp): Promise<void> {
    const option = this.page.locator('.quick-input-list').getByRole('option').filter({ hasText: entry }).first();
    await option.waitFor();
    await option.click();
  }

  /** Waits until something is so; tells what it is instead. */
  async becomes(what: string, look: () => Promise<string>, expected: string): Promise<void> {
    let seen = '';
    await until(what, async () => {
      seen = await look();
      return seen === expected;
    }).catch((failure: unknown) => {
      throw new Error(`${what}: ${seen}`, { cause: failure });
    });
  }

  /** Waits for a message at the bottom right. */
  async told(words: RegExp): Promise<void> {
    let told: string[] = [];
    await until(`VS Code tells ${words}`, async () => {
      told = await this.workbench.notifications();
      return told.some((one) => words.test(one));
    }).catch((failure: unknown) => {
      throw new Error(`VS Code tells only ${JSON.stringify(told)}`, { cause: failure });
    });
  }

  async terminalSays(words: RegExp): Promise<void> {
    let shown = '';
    await until(`the terminal shows ${words}`, async () => {
      shown = await this.workbench.terminalText();
      return words.test(shown);
    }).catch((failure: unknown) => {
      throw new Error(`The terminal shows only ${shown.trim()}`, { cause: failure });
    });
  }

  async shows(page: `page ${string}` & Item, words: RegExp): Promise<Frame> {
    const frame = await this.workbench.webview(words);
    this.note(page);
    return frame;
  }

  /** What the editor that has the focus shows of its text. */
  async editorSays(words: RegExp): Promise<void> {
    let shown = '';
    await until(`an editor shows ${words}`, async () => {
      const lines = this.page.locator('.editor-group-container.active .monaco-editor .view-line');
      shown = (await lines.allInnerTexts()).join('\n').replaceAll('\u00a0', ' ');
      return words.test(shown);
    }).catch((failure: unknown) => {
      throw new Error(`The editor shows only ${shown}`, { cause: failure });
    });
  }

  /** What a command has put there for the user to paste. */
  async clipboard(): Promise<string> {
    const text: unknown = await this.page.evaluate('navigator.clipboard.readText()');
    return String(text);
  }

  /** As it was before the scenario: no containers, editors, terminals, questions or messages. */
  async tidy(): Promise<void> {
    await this.page.keyboard.press('Escape');
    for (const { Id } of await this.docker.listContainers({ all: true })) {
      await this.docker.getContainer(Id).remove({ force: true, v: true });
    }
    if ((await this.page.locator('.terminal-wrapper').count()) > 0)
      await this.workbench.command('Terminal: Kill All Terminals');
    if ((await this.page.locator('.editor-group-container .tab').count()) > 0)
      await this.workbench.command('View: Close All Editors');
    if ((await this.workbench.notifications()).length > 0)
      await this.workbench.command('Notifications: Clear All Notifications');
    await this.connect();
  }

  /** Shows the view and connects its host, which a window that was opened anew may not have done. */
  async connect(): Promise<void> {
    await this.workbench.openContainer('Porthole');
    const host = this.workbench.row('Hosts', new RegExp(`^${hostName}`));
    await host.waitFor();
    if (/not connected/.test(await host.innerText())) await this.choose(host, 'porthole.host.connect');
  }

  /** A menu takes no click in its first moments, lest the one that opened it picks an entry. */
  async #pressed(item: Locator): Promise<void> {
    await until('the menu closes', async () => {
      if (await item.isVisible()) await item.click({ timeout: 5_000 }).catch(() => undefined);
      return !(await item.isVisible());
    });
  }
}

const dockerConfigIn = (dir: string): string => join(dir, 'docker');

/** Starts everything; what was started is ended by `endings`, the last one first. */
async function raise(endings: (() => Promise<unknown>)[]): Promise<Omit<Made, 'stop'>> {
  const dir = await mkdtemp(join(tmpdir(), 'porthole-scene-'));
  endings.push(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  const [dataRoot, execRoot] = [join(dir, 'data'), join(dir, 'exec')];
  const socket = join(execRoot, 'porthole.sock');
  const folder = join(dir, 'workspace');
  await mkdir(folder);
  await mkdir(dockerConfigIn(dir));
  const sshd = await startSshd();
  const config = join(dir, 'ssh_config');
  await writeFile(config, (await readFile(sshd.configFile, 'utf8')).replace('Host sshd', 'Host first second'));
  endings.push(() => sshd.stop());
  // It outlives the connection, as it should; here nobody wants it any more.
  endings.push(() => endAgentAt(socket));
  const served = await serveVsCode({
    extensionDir: await packageExtension(),
    folder,
    settings: {
      // Drawn as elements, so that what a user reads can be read here.
      'terminal.integrated.gpuAcceleration': 'off',
      'workbench.editor.enablePreview': false,
      // A hover lies over the rows below and takes their clicks.
      'workbench.hover.delay': 600_000,
      'porthole.local.enabled': false,
      'porthole.ssh.configFile': config,
      'porthole.hosts': [
        { target: 'first', label: hostName, dataRoot, execRoot, socket },
        { target: 'second', label: secondName, dataRoot, execRoot, socket },
      ],
    },
    // Where a host of this machine would live, if somebody made one.
    env: {
      PORTHOLE_HOST_SOCKET: socket,
      PORTHOLE_DATA_ROOT: dataRoot,
      PORTHOLE_EXEC_ROOT: execRoot,
      DOCKER_CONFIG: dockerConfigIn(dir),
    },
    say: () => undefined,
  });
  endings.push(() => served.stop());
  const browser = await launchChromium();
  endings.push(() => browser.close());
  const context = await browser.newContext({
    viewport: { width: 1500, height: 1500 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(served.url);
  return { dir, socket, page };
}
