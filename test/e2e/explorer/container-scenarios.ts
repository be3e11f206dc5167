import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../../../scripts/processes.ts';
import type { Scenario } from './scenario.ts';
import { hostName } from './scene.ts';

/** Says what it was told, and how it was told to end. */
const listener = ['sh', '-c', 'trap "exit 9" USR1; while :; do sleep 0.1; done'];

export const containerScenarios: readonly Scenario[] = [
  {
    name: 'a container is stopped, started, paused, resumed, restarted and killed, and its row follows',
    covers: [
      'row container',
      'porthole.container.stop',
      'porthole.container.start',
      'porthole.container.pause',
      'porthole.container.unpause',
      'porthole.container.restart',
      'porthole.container.kill',
    ],
    run: async (scene) => {
      const made = await scene.started('life');
      const row = await scene.container('life');
      await scene.says(row, /running/);
      await scene.choose(row, 'porthole.container.stop');
      await scene.says(row, /exited with code 0/);
      await scene.choose(row, 'porthole.container.start');
      await scene.says(row, /running/);
      await scene.choose(row, 'porthole.container.pause');
      await scene.says(row, /paused/);
      await scene.choose(row, 'porthole.container.unpause');
      await scene.says(row, /running/);
      const { State: before } = await made.inspect();
      await scene.choose(row, 'porthole.container.restart');
      await until('it has another process', async () => {
        const { State } = await made.inspect();
        return State.Running && State.Pid !== before.Pid;
      });
      await scene.says(row, /running/);
      await scene.choose(row, 'porthole.container.kill');
      await scene.says(row, /exited with code 137/);
    },
  },
  {
    name: 'a signal of choice reaches the initial process',
    covers: ['porthole.container.killWith'],
    run: async (scene) => {
      await scene.started('told', { Cmd: listener });
      const row = await scene.container('told');
      await scene.choose(row, 'porthole.container.killWith');
      await scene.select(/SIGUSR1/);
      await scene.says(row, /exited with code 9/);
    },
  },
  {
    name: 'a shell opens',
    covers: ['porthole.container.exec'],
    run: async (scene) => {
      await scene.started('shell');
      await scene.choose(await scene.container('shell'), 'porthole.container.exec');
      await scene.terminalSays(/[#$] *$/m);
      await scene.workbench.type('echo over-$((40+2))\n');
      await scene.terminalSays(/over-42/);
    },
  },
  {
    name: 'a program runs as another user in another directory',
    covers: ['porthole.container.execWith'],
    run: async (scene) => {
      await scene.started('other');
      await scene.choose(await scene.container('other'), 'porthole.container.execWith');
      await scene.answer(/Which program shall run in other/, `sh -c 'echo user=$(id -u) at=$(pwd); exit 4'`);
      await scene.answer(/As which user/, 'nobody');
      await scene.answer(/In which directory/, '/tmp');
      await scene.terminalSays(/user=65534 at=\/tmp/);
      await scene.terminalSays(/exit code 4/);
    },
  },
  {
    name: 'a container’s own terminal is attached to',
    covers: ['porthole.container.attach'],
    run: async (scene) => {
      const Cmd = ['sh', '-c', 'stty -echo; while read -r line; do echo "heard:$line"; done'];
      await scene.started('ear', { Cmd, Tty: true, OpenStdin: true });
      await scene.choose(await scene.container('ear'), 'porthole.container.attach');
      await scene.page.locator('.terminal-wrapper.active .xterm-screen').waitFor();
      await scene.workbench.type('hello\n');
      await scene.terminalSays(/heard:hello/);
    },
  },
  {
    name: 'a limit is changed, and the next look shows it',
    covers: ['porthole.container.update'],
    run: async (scene) => {
      const made = await scene.started('tight', { HostConfig: { Memory: 64 << 20 } });
      const row = await scene.container('tight');
      await scene.choose(row, 'porthole.container.update');
      await scene.select(/Memory.*64/);
      await scene.answer(/Memory of tight/, '48m');
      await until('the limit is there', async () => (await made.inspect()).HostConfig.Memory === 48 << 20);
      await scene.choose(row, 'porthole.container.update');
      await scene.page
        .locator('.quick-input-list')
        .getByRole('option', { name: /Memory.*48/ })
        .waitFor();
    },
  },
  {
    name: 'a container is committed to an image',
    covers: ['porthole.container.commit'],
    run: async (scene) => {
      await scene.started('draft', { Cmd: ['sh', '-c', 'echo mine >/etc/mine; sleep 1000'] });
      await scene.choose(await scene.container('draft'), 'porthole.container.commit');
      await scene.answer(/An image of draft as it is now/, 'scene/committed:1');
      await scene.answer(/What has changed/, 'a file of mine');
      await scene.image('scene/committed:1');
      const [last] = await scene.docker.getImage('scene/committed:1').history();
      assert.equal(last?.Comment, 'a file of mine');
      await scene.docker.getContainer('draft').remove({ force: true });
      await scene.docker.getImage('scene/committed:1').remove();
    },
  },
  {
    name: 'files are copied into a container and out of it',
    covers: ['porthole.container.copyIn', 'porthole.container.copyOut'],
    run: async (scene) => {
      const from = join(scene.dir, 'letter.txt');
      const into = join(scene.dir, 'received');
      await writeFile(from, 'there and back\n');
      await mkdir(into, { recursive: true });
      await scene.started('post');
      const row = await scene.container('post');
      await scene.choose(row, 'porthole.container.copyIn');
      await scene.answerPath(/Files and folders for post/, from);
      await scene.answer(/Into which directory of post/, '/tmp');
      await until('the file is there', () =>
        scene.docker
          .getContainer('post')
          .infoArchive({ path: '/tmp/letter.txt' })
          .then(
            () => true,
            () => false,
          ),
      );
      await scene.choose(row, 'porthole.container.copyOut');
      await scene.answer(/Which file or directory of post/, '/tmp/letter.txt');
      await scene.answerPath(/Where to copy/, into);
      await scene.told(/letter\.txt is in /);
      assert.equal(await readFile(join(into, 'letter.txt'), 'utf8'), 'there and back\n');
    },
  },
  {
    name: 'the files of a container are exported to an archive',
    covers: ['porthole.container.export'],
    run: async (scene) => {
      await scene.started('whole');
      await scene.choose(await scene.container('whole'), 'porthole.container.export');
      const file = join(scene.dir, 'whole.tar');
      await scene.answerPath(/Export the files of whole/, file);
      await scene.told(/Written: .*whole\.tar/);
      assert.match((await readFile(file)).toString('latin1'), /etc\/motd\0/);
    },
  },
  {
    name: 'id, name and docker run line are in the clipboard',
    covers: ['porthole.container.copyId', 'porthole.container.copyName', 'porthole.container.copyRunLine'],
    run: async (scene) => {
      const made = await scene.started('copied', { HostConfig: { Memory: 64 << 20 } });
      const row = await scene.container('copied');
      await scene.choose(row, 'porthole.container.copyId');
      await until('the id is in the clipboard', async () => (await scene.clipboard()) === made.id);
      await scene.choose(row, 'porthole.container.copyName');
      await scene.becomes('the name', () => scene.clipboard(), 'copied');
      await scene.choose(row, 'porthole.container.copyRunLine');
      await scene.told(/The line is in the clipboard/);
      assert.match(
        await scene.clipboard(),
        /^docker run --detach --name copied .*--memory 67108864 .*porthole\/starter/,
      );
    },
  },
  {
    name: 'a container is renamed',
    covers: ['porthole.container.rename'],
    run: async (scene) => {
      await scene.started('before');
      await scene.choose(await scene.container('before'), 'porthole.container.rename');
      await scene.answer(/Rename before/, 'after');
      await scene.container('after');
      await scene.workbench.row('Containers', /^before/).waitFor({ state: 'detached' });
    },
  },
  {
    name: 'a running container is removed after a question that names it and its host',
    covers: ['porthole.container.remove'],
    run: async (scene) => {
      await scene.started('gone');
      const row = await scene.container('gone');
      await scene.choose(row, 'porthole.container.remove');
      await scene.workbench.confirm(new RegExp(`gone from ${hostName}[\\s\\S]*Still running`), /^Remove/);
      await row.waitFor({ state: 'detached' });
    },
  },
  {
    name: 'containers that do not run are removed after a question that names them',
    covers: ['porthole.container.prune'],
    run: async (scene) => {
      await scene.started('kept');
      const ended = await scene.started('ended', { Cmd: ['true'] });
      await ended.wait();
      const row = await scene.container('ended');
      await scene.says(row, /exited with code 0/);
      await scene.fromTitle('Containers', 'porthole.container.prune');
      await scene.workbench.confirm(new RegExp(`1 containers? on ${hostName}[\\s\\S]*ended`), /^Remove/);
      await row.waitFor({ state: 'detached' });
      await scene.container('kept');
    },
  },
  {
    name: 'the logs of two containers are shown merged, found in, and narrowed to what matches',
    covers: ['porthole.container.logs', 'page logs'],
    run: async (scene) => {
      const says = (words: string) => ['sh', '-c', `echo '${words}'; echo oops-${words} >&2; exec sleep 1000`];
      await scene.started('talks', { Cmd: says('one') });
      await scene.started('walks', { Cmd: says('two') });
      const talks = await scene.container('talks');
      await scene.choose(await scene.container('walks'), 'porthole.container.logs', [talks]);
      const frame = await scene.shows('page logs', /Logs of[\s\S]*oops-two/);
      const lines = frame.locator('.line');
      await until('all lines are there', async () => (await lines.count()) === 4);
      await frame.locator('#words').fill('oops-one');
      await frame.locator('#only').check();
      await until('one is left', async () => (await lines.count()) === 1);
      await frame.locator('mark').filter({ hasText: 'oops-one' }).waitFor();
    },
  },
];
