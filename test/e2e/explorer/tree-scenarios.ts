import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { until } from '../../../scripts/processes.ts';
import { starterImage } from '../../../scripts/starter-image.ts';
import type { Item } from './covered.ts';
import { textInside } from './inside.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';

const groups = (scene: Scene) =>
  scene.workbench.view('Containers').locator('[role=treeitem][aria-level="1"][aria-expanded]');

const names = async (scene: Scene): Promise<string> => (await groups(scene).allInnerTexts()).join(' | ');

/** Waits until the rows at the top of Containers are these, in order. */
async function groupsBecome(scene: Scene, words: RegExp): Promise<void> {
  let seen = '';
  await until(`groups are ${words}`, async () => {
    seen = (await names(scene)).replaceAll(/\s+/g, ' ');
    return words.test(seen);
  }).catch((failure: unknown) => {
    throw new Error(`The groups are ${seen}`, { cause: failure });
  });
}

async function groupBy(scene: Scene, entry: RegExp): Promise<void> {
  await scene.fromTitle('Containers', 'porthole.container.groupBy');
  await scene.select(entry);
}

/** What VS Code draws behind the name of a row, one word for each mark: a letter, or an exclamation mark. */
async function marksOf({ page }: Scene, name: string): Promise<string> {
  const marks: unknown = await page.evaluate(
    `[...document.querySelectorAll('[role=treeitem]')]
      .filter((row) => row.innerText.startsWith(${JSON.stringify(name)}))
      .flatMap((row) => [...row.querySelectorAll('*')])
      .map((one) => getComputedStyle(one, '::after').content)
      .join(' ')`,
  );
  return String(marks);
}

async function runningSession(container: Docker.Container, Cmd: string[]): Promise<NodeJS.ReadWriteStream> {
  const exec = await container.exec({ Cmd, User: 'nobody', AttachStdin: true, AttachStdout: true, Tty: true });
  return exec.start({ hijack: true, stdin: true, Tty: true });
}

/** A drag that meets a row while it is drawn anew ends in nothing: as people do, it is tried again after a while. */
async function again(act: () => Promise<void>, seen: () => Promise<boolean>): Promise<void> {
  for (let left = 3; ; left -= 1) {
    await act();
    try {
      return await until('what was dropped has an effect', seen, { timeoutMs: 12_000 });
    } catch (failure) {
      if (left === 0) throw failure;
    }
  }
}

/** How the trees are arranged, what of them is shown, and what stands out. */
export const treeScenarios: readonly Scenario[] = [
  {
    name: 'containers are grouped by project, state, label and network, and as they were before',
    covers: ['porthole.container.groupBy', 'row group'],
    run: async (scene) => {
      const project = { 'com.docker.compose.project': 'shop' };
      await scene.started('cart', { Labels: { ...project, tier: 'front' } });
      await scene.started('till', { Labels: project, HostConfig: { NetworkMode: 'none' } });
      const lone = await scene.started('lone');
      await scene.container('lone');
      try {
        await groupBy(scene, /Compose project/);
        await groupsBecome(scene, /^shop.*\(2\) \| No Compose project.*\(1\)$/);
        await scene.row('row group', 'Containers', /^shop/);
        await groupBy(scene, /State/);
        await groupsBecome(scene, /^Running.*\(3\)$/);
        await lone.pause();
        await groupsBecome(scene, /^Running.*\(2\) \| Paused.*\(1\)$/);
        await groupBy(scene, /Label/);
        await scene.select(/^tier/);
        await groupsBecome(scene, /^tier=front.*\(1\) \| Without tier.*\(2\)$/);
        await groupBy(scene, /Network/);
        await groupsBecome(scene, /none.*\(3\)/);
        // What is chosen is marked the next time.
        await scene.fromTitle('Containers', 'porthole.container.groupBy');
        const chosen = scene.page.locator('.quick-input-list').getByRole('option', { name: /Network.*as it is now/ });
        await chosen.waitFor();
        await scene.page.keyboard.press('Escape');
      } finally {
        await groupBy(scene, /Host and engine/);
      }
      await scene.container('lone');
    },
  },
  {
    name: 'containers are filtered as the words are typed, and a filter that hides all says so',
    covers: ['porthole.container.filter', 'porthole.container.clearFilter'],
    run: async (scene) => {
      const { workbench, page } = scene;
      await scene.started('apple', { Labels: { kind: 'fruit' } });
      await scene.started('carrot');
      const [apple, carrot] = [await scene.container('apple'), await scene.container('carrot')];
      await scene.fromTitle('Containers', 'porthole.container.filter');
      const box = page.locator('.quick-input-widget input[type=text]').first();
      await box.fill('label:fruit');
      await carrot.waitFor({ state: 'detached' });
      await apple.waitFor();
      await box.press('Enter');
      await workbench
        .view('Containers')
        .locator('.pane-header')
        .filter({ hasText: /label:fruit.*1 of 2/ })
        .waitFor();
      await scene.fromTitle('Containers', 'porthole.container.filter');
      await scene.answer(/Filter containers/, 'nothing-is-called-so');
      await workbench
        .view('Containers')
        .getByText(/No container matches the filter/)
        .waitFor();
      await scene.fromTitle('Containers', 'porthole.container.clearFilter');
      await carrot.waitFor();
    },
  },
  {
    name: 'images are filtered',
    covers: ['porthole.image.filter', 'porthole.image.clearFilter'],
    run: async (scene) => {
      const image = await scene.image('porthole/starter');
      await scene.fromTitle('Images', 'porthole.image.filter');
      await scene.answer(/Filter images/, 'dangling');
      await scene.workbench
        .view('Images')
        .getByText(/No image matches the filter/)
        .waitFor();
      await scene.fromTitle('Images', 'porthole.image.clearFilter');
      await image.waitFor();
    },
  },
  {
    name: 'a container that needs a look is marked, counted and named',
    covers: ['row container'],
    run: async (scene) => {
      const Healthcheck = { Test: ['CMD', 'false'], Interval: 1e9, Timeout: 30e9, Retries: 1 };
      await scene.started('ill', { Healthcheck });
      const ill = await scene.container('ill');
      await scene.says(ill, /unhealthy/);
      await until('its row is marked', async () => (await marksOf(scene, 'ill')).includes('!'));
      const tab = scene.page.locator('.activitybar .action-item').filter({ has: scene.page.getByLabel(/^Porthole/) });
      await tab.locator('.badge-content').filter({ hasText: /^1$/ }).waitFor();
      await scene.docker.getContainer('ill').remove({ force: true });
      await until('the number goes', async () => !(await tab.locator('.badge-content').isVisible()));
    },
  },
  {
    name: 'a container unfolds into exec sessions, live readings of its cgroup and networks',
    covers: ['row exec', 'row gauge', 'row network', 'row section'],
    run: async (scene) => {
      const { workbench } = scene;
      const made = await scene.started('lively', { HostConfig: { Memory: 64 << 20, PidsLimit: 30 } });
      await workbench.unfold(await scene.container('lively'));
      const sessions = await scene.row('row section', 'Containers', /^Exec Sessions/);
      await workbench.unfold(sessions);
      await scene.row('row note', 'Containers', /^No command runs beside it/);
      // It comes with an event: nobody folds anything.
      const session = await runningSession(made, ['cat']);
      const row = await scene.row('row exec', 'Containers', /^cat.*nobody/);
      session.end('\u0004');
      session.resume();
      await once(session, 'close');
      await row.waitFor({ state: 'detached' });
      await workbench.fold(sessions);
      await workbench.unfold(await scene.row('row section', 'Containers', /^cgroup/));
      const readings: readonly [RegExp, RegExp][] = [
        [/^CPU/, /\d%/],
        [/^Memory/, /\d.* of 64 MiB/],
        [/^I\/O/, /reads .*\/s, writes/],
        [/^Processes and threads/, /\d of 30/],
      ];
      for (const [label, words] of readings) {
        await scene.says(await scene.row('row gauge', 'Containers', label), words);
      }
      await workbench.fold(await scene.row('row section', 'Containers', /^cgroup/));
      await workbench.unfold(await scene.row('row section', 'Containers', /^Networks/));
      await scene.row('row network', 'Containers', /^none.*loopback/);
    },
  },
  {
    name: 'files are dropped onto a container and a directory of it, and dragged out of it into an editor',
    covers: ['row entry', 'row container'],
    run: async (scene) => {
      const { workbench, page } = scene;
      await scene.started('shelf', { WorkingDir: '/srv' });
      const shelf = await scene.container('shelf');
      // A file from outside of VS Code.
      const drop = async (words: string) => {
        const dataTransfer = await page.evaluateHandle(
          `(() => { const held = new DataTransfer(); held.items.add(new File([${JSON.stringify(words)}], 'gift.txt')); return held; })()`,
        );
        for (const type of ['dragenter', 'dragover', 'drop']) await shelf.dispatchEvent(type, { dataTransfer });
      };
      const gift = () => textInside(scene, 'shelf', '/srv/gift.txt');
      await again(
        () => drop('from outside\n'),
        async () => (await gift()) === 'from outside\n',
      );
      await scene.told(/gift\.txt is in \/srv of shelf/);
      const question = page.locator('.monaco-dialog-box').filter({ hasText: /Replace gift\.txt in \/srv of shelf/ });
      await again(
        () => drop('once more\n'),
        () => question.isVisible(),
      );
      await workbench.confirm(/Replace gift\.txt/, /^Replace/);
      await until('it is the second', async () => (await gift()) === 'once more\n');
      // One of the workspace, by its tab, into a directory of the container's files.
      await writeFile(join(scene.dir, 'workspace', 'note.txt'), 'from the workspace\n');
      await workbench.openContainer('Explorer');
      await page
        .locator('.explorer-folders-view')
        .getByRole('treeitem')
        .filter({ hasText: /^note\.txt/ })
        .dblclick();
      const tab = workbench.tab(/note\.txt/);
      await tab.waitFor();
      await workbench.openContainer('Porthole');
      await workbench.unfold(shelf);
      await workbench.unfold(await scene.row('row section', 'Containers', /^Files/));
      const tmp = await scene.row('row entry', 'Containers', /^tmp/);
      await again(
        () => tab.dragTo(tmp),
        async () => (await textInside(scene, 'shelf', '/tmp/note.txt')) === 'from the workspace\n',
      );
      await scene.told(/note\.txt is in \/tmp of shelf/);
      await rm(join(scene.dir, 'workspace', 'note.txt'));
      await workbench.command('View: Close All Editors');
      await tab.waitFor({ state: 'detached' });
      // And out again.
      await workbench.unfold(await scene.row('row entry', 'Containers', /^srv/));
      const row = await scene.row('row entry', 'Containers', /^gift\.txt/);
      await again(
        async () => {
          await row.hover();
          await page.mouse.down();
          // What shows where it would be dropped comes with the first moves over the editors, and takes the drop.
          for (const x of [700, 800, 900]) await page.mouse.move(x, 500, { steps: 5 });
          await page.mouse.up();
        },
        async () => workbench.tab(/gift\.txt/).isVisible(),
      );
      await scene.editorSays(/^once more/);
    },
  },
  {
    name: 'an image unfolds into its files, its configuration and the containers made from it',
    covers: ['row part', 'row fact', 'row made', 'row file'],
    run: async (scene) => {
      const { workbench } = scene;
      await scene.docker.createContainer({ name: 'offspring', Image: starterImage });
      await scene.container('offspring');
      const image = await scene.image('porthole/starter');
      await workbench.unfold(image);
      const parts: readonly [RegExp, Item & `row ${string}`, RegExp][] = [
        [/^Files/, 'row file', /^etc/],
        [/^Configuration/, 'row fact', /^Platform.*linux/],
        [/^Containers made from it/, 'row made', /^offspring.*never started/],
      ];
      for (const [part, kind, words] of parts) {
        const row = await scene.row('row part', 'Images', part);
        await workbench.unfold(row);
        await scene.row(kind, 'Images', words);
        await workbench.fold(row);
      }
      await workbench.fold(image);
    },
  },
];
