import { until } from '../../../scripts/processes.ts';
import { textInside } from './inside.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';

const entry = (scene: Scene, name: RegExp) =>
  scene.page.locator('.explorer-folders-view').getByRole('treeitem').filter({ hasText: name }).first();

/** Files of containers and volumes in VS Code's own explorer, as a user handles any folder. */
export const fileScenarios: readonly Scenario[] = [
  {
    name: 'files of a container are browsed, edited, made, renamed and deleted in the explorer',
    covers: [
      'porthole.container.files',
      'file stat',
      'file readDirectory',
      'file readFile',
      'file writeFile',
      'file createDirectory',
      'file rename',
      'file delete',
    ],
    run: async (scene) => {
      const { page, workbench } = scene;
      await scene.started('desk', { Cmd: ['sh', '-c', 'mkdir /desk; echo one >/desk/note; sleep 1000'] });
      await until('the file is there', async () => (await textInside(scene, 'desk', '/desk/note')) === 'one\n');
      const folder = entry(scene, /^desk/);
      const empty = page.getByText('You have not yet added a folder');
      await scene.choose(await scene.container('desk'), 'porthole.container.files');
      await folder.or(empty).first().waitFor({ timeout: 120_000 });
      // VS Code opens a window anew for its second folder; where it has lost both on the way, a user opens it once more.
      if (await empty.isVisible()) {
        await scene.connect();
        await scene.choose(await scene.container('desk'), 'porthole.container.files');
        await folder.waitFor();
      }
      await workbench.unfold(folder);
      const desk = scene.page
        .locator('.explorer-folders-view [role=treeitem][aria-level="2"]')
        .filter({ hasText: /^desk/ });
      await workbench.unfold(desk);
      scene.note('file readDirectory');
      const note = entry(scene, /^note/);
      await note.click();
      await scene.editorSays(/^one/);
      scene.note('file stat');
      scene.note('file readFile');
      await page.locator('.editor-group-container.active .monaco-editor .view-lines').click();
      await page.keyboard.press('Control+Home');
      await page.keyboard.type('two ');
      await page.keyboard.press('Control+s');
      await until('the edit is there', async () => (await textInside(scene, 'desk', '/desk/note')) === 'two one\n');
      scene.note('file writeFile');

      const name = page.locator('.explorer-item-edited input');
      await workbench.pick(desk, 'New Folder...');
      await name.fill('drawer');
      await name.press('Enter');
      await until('the folder is there', async () => (await textInside(scene, 'desk', '/desk/drawer')) !== undefined);
      scene.note('file createDirectory');

      await workbench.pick(note, /^Rename\.\.\./);
      await name.fill('letter');
      await name.press('Enter');
      await until('it has its new name', async () => (await textInside(scene, 'desk', '/desk/letter')) === 'two one\n');
      scene.note('file rename');

      await workbench.pick(entry(scene, /^letter/), /^Delete Permanently/);
      await workbench.confirm(/letter/, /^(Delete|Move)/);
      await until('it is gone', async () => (await textInside(scene, 'desk', '/desk/letter')) === undefined);
      scene.note('file delete');
    },
  },
  {
    name: 'files of a volume are in the explorer',
    covers: ['porthole.volume.files'],
    run: async (scene) => {
      await scene.started('filler', {
        Cmd: ['sh', '-c', 'echo of the volume >/data/page; sleep 1000'],
        HostConfig: { Binds: ['book:/data'] },
      });
      await until('the file is there', async () => (await textInside(scene, 'filler', '/data/page')) !== undefined);
      await scene.choose(await scene.row('row volume', 'Volumes', /^book/), 'porthole.volume.files');
      await scene.workbench.unfold(entry(scene, /^book/));
      await entry(scene, /^page/).click();
      await scene.editorSays(/^of the volume/);
      await scene.docker.getContainer('filler').remove({ force: true });
      await scene.docker.getVolume('book').remove();
    },
  },
];
