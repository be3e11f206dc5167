import type { Scenario } from './scenario.ts';
import { hostName } from './scene.ts';

export const keyScenarios: readonly Scenario[] = [
  {
    name: 'keys rename, open a shell and remove what is selected; on a row of another kind they do nothing',
    covers: ['porthole.container.rename', 'porthole.container.exec', 'porthole.container.remove'],
    run: async (scene) => {
      const { page, workbench } = scene;
      await scene.started('keyed');
      const row = await scene.container('keyed');
      await workbench.press(row, 'F2');
      await scene.answer(/Rename keyed/, 'unlocked');
      scene.note('porthole.container.rename');
      const renamed = await scene.container('unlocked');
      await workbench.press(renamed, 'Control+Enter');
      await scene.terminalSays(/[#$] *$/m);
      scene.note('porthole.container.exec');

      await scene.workbench.unfold(renamed);
      const inside = await scene.row('row section', 'Containers', /^Processes/);
      await workbench.press(inside, 'Delete');
      await page.keyboard.press('F2');
      await workbench.press(renamed, 'Delete');
      // The first dialog that there is: nothing was asked for the row inside.
      await scene.workbench.confirm(new RegExp(`Remove the container unlocked from ${hostName}`), /^Remove/);
      scene.note('porthole.container.remove');
      await renamed.waitFor({ state: 'detached' });
    },
  },
  {
    name: 'the status bar says where something runs, and leads to it',
    covers: ['view containers'],
    run: async (scene) => {
      const { page } = scene;
      const item = page.locator('.statusbar-item').filter({ hasText: `${hostName}: ` });
      await item.filter({ hasText: `${hostName}: 0 running` }).waitFor();
      await scene.started('counted');
      await item.filter({ hasText: `${hostName}: 1 running` }).waitFor();
      await scene.workbench.command('View: Show Explorer');
      await scene.workbench.view('Containers').waitFor({ state: 'hidden' });
      await item.click();
      await scene.container('counted');
    },
  },
  {
    name: 'a walkthrough leads a new user',
    covers: [],
    run: async (scene) => {
      await scene.workbench.command('Welcome: Open Walkthrough');
      await scene.answer(/./, 'Get Started with Porthole');
      const steps = scene.page.locator('.getting-started-step');
      for (const step of ['Connect to a host', 'Run something', 'Look into its layers', 'See what it uses']) {
        await steps.filter({ hasText: step }).first().waitFor();
      }
    },
  },
];
