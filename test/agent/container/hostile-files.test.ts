import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HeldDirectory } from '../../../src/agent/sys/held-directory.ts';
import { treeBytes } from '../../../src/agent/sys/tree-size.ts';
import { requires } from '../../support/tools.ts';
import { never, openRig, type Rig, until } from './rig.ts';

describe('containers: hostile files in the writable layer', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(() => rig.close());

  const ended = async (script: string): Promise<string> => {
    const id = await rig.run(['sh', '-c', script]);
    await rig.containers.wait(id, 'not-running', never);
    return id;
  };
  const containersDirectory = () => join(rig.dataRoot, 'containers');
  // The shell gives up its own idea of where it is when paths get too long, so the tree is built from the inside out.
  const deep = `cd /tmp; n=$(printf "%0200d" 0); i=0
    while [ $i -lt 60 ]; do mkdir new && { [ $i = 0 ] && echo hello > new/last || mv old new/$n; }; mv new old; i=$((i+1)); done`;

  it('a tree deeper than any path is long is listed, measured and removed', async () => {
    const id = await ended(deep);
    const changes = await rig.containers.changes(id);
    assert.deepEqual(changes.slice(0, 2), [
      { Path: '/tmp', Kind: 0 },
      { Path: '/tmp/old', Kind: 1 },
    ]);
    assert.ok(changes.length > 15 && changes.length < 60, `${changes.length} changes`);
    assert.equal(await treeBytes(rig.containers.upper(id)), 6);
    await rig.containers.remove(id, { force: false, volumes: true });
    assert.deepEqual(readdirSync(containersDirectory()), []);
  });

  it('one that a crash left half removed does not keep the engine from starting', async () => {
    const id = await ended(deep);
    await rig.containers.shutdown();
    renameSync(join(containersDirectory(), id), join(containersDirectory(), `.removing-${id}`));
    await rig.reopen();
    assert.deepEqual(readdirSync(containersDirectory()), []);
  });

  it('names that are not UTF-8 are seen', async () => {
    const id = await ended('mkdir "$(printf "/tmp/\\377")" && echo hello > "$(printf "/tmp/\\377/f")"');
    const changes = await rig.containers.changes(id);
    assert.deepEqual(
      changes.map(({ Path }) => Path),
      ['/tmp', '/tmp/\uDCFF', '/tmp/\uDCFF/f'],
    );
    assert.equal(await treeBytes(rig.containers.upper(id)), 6);
  });

  it('a directory that becomes a link while it is looked at leads nowhere', async () => {
    const place = join(rig.root, 'swapped');
    mkdirSync(join(place, 'inside'), { recursive: true });
    mkdirSync(join(place, 'moved'));
    execFileSync('sh', ['-c', 'echo secret > "$1/secret"', 'sh', join(place, 'moved')]);
    const held = await HeldDirectory.open(place);
    assert.ok(held);
    try {
      renameSync(join(place, 'inside'), join(place, 'was'));
      symlinkSync(join(place, 'moved'), join(place, 'inside'));
      assert.equal(await held.child(Buffer.from('inside')), undefined);
      assert.equal((await held.status(Buffer.from('inside')))?.isSymbolicLink(), true);
      renameSync(place, `${place}2`);
      mkdirSync(place);
      assert.equal((await held.entries()).length, 3, 'it is still the directory that was opened');
    } finally {
      await held.close();
    }
  });

  // The engine must not open a file of the container with more rights than the container has.
  it('a device in place of /etc/passwd is opened neither by exec nor by start', async function () {
    requires(this, { root: true, programs: ['losetup'] });
    const disk = join(rig.root, 'disk');
    writeFileSync(disk, 'fred:x:4242:4242::/:/bin/sh\n'.padEnd(4096, '\n'));
    const loop = execFileSync('losetup', ['--show', '-f', disk], { encoding: 'utf8' }).trim();
    try {
      const minor = Number(loop.replace('/dev/loop', ''));
      const id = await rig.run(['sh', '-c', `rm /etc/passwd; mknod /etc/passwd b 7 ${minor}; exec sleep 1000`]);
      await until('the node is there', async () => (await rig.exec(id, ['test', '-b', '/etc/passwd'])).exitCode === 0);
      assert.notEqual((await rig.exec(id, ['cat', '/etc/passwd'])).exitCode, 0, 'the container itself may not open it');
      await assert.rejects(rig.exec(id, ['id'], { user: 'fred' }), /unable to find user fred/);
      await rig.containers.kill(id, 'KILL');
      await rig.containers.wait(id, 'not-running', never);
      await rig.containers.start(id);
      await assert.rejects(rig.exec(id, ['id'], { user: 'fred' }), /unable to find user fred/);
      await rig.containers.remove(id, { force: true, volumes: true });
    } finally {
      execFileSync('losetup', ['-d', loop]);
    }
  });

  for (const [what, make] of [
    ['a FIFO', 'mkfifo /etc/passwd'],
    ['a link in circles', 'ln -s passwd /etc/passwd'],
    ['an endless device', 'mknod /etc/passwd c 1 5'],
    ['a link to a terminal', 'ln -s /dev/console /etc/passwd'],
    ['the log of the kernel', 'ln -s /proc/kmsg /etc/passwd'],
    ['a directory', 'mkdir /etc/passwd'],
  ] as const) {
    it(`${what} in place of /etc/passwd counts as none, and holds nobody`, async () => {
      const id = await rig.run(['sh', '-c', `rm /etc/passwd; ${make}; touch /tmp/done; exec sleep 1000`], {
        config: { Tty: true },
      });
      await until('the script is done', async () => (await rig.exec(id, ['test', '-f', '/tmp/done'])).exitCode === 0);
      // Not by id(1), which would open the file itself and hang.
      const owner = ['grep', '^Uid', '/proc/self/status'];
      assert.match((await rig.exec(id, owner)).stdout, /\t0\n/);
      assert.match((await rig.exec(id, owner, { user: '7' })).stdout, /\t7\n/);
      await rig.containers.kill(id, 'KILL');
      await rig.containers.wait(id, 'not-running', never);
      await rig.containers.start(id);
      assert.match((await rig.exec(id, owner)).stdout, /\t0\n/);
      await rig.containers.remove(id, { force: true, volumes: true });
    });
  }

  it('account files behind a link are read anew when they change', async () => {
    const id = await rig.run(['sh', '-c', 'mv /etc/passwd /data; ln -s /data/passwd /etc/passwd; exec sleep 1000']);
    await until('the link is there', async () => (await rig.exec(id, ['test', '-L', '/etc/passwd'])).exitCode === 0);
    assert.equal((await rig.exec(id, ['id', '-u'], { user: 'fred' })).stdout, '1000\n');
    await rig.exec(id, ['sh', '-c', 'echo fred:x:1001:1000::/:/bin/sh > /data/passwd']);
    assert.equal((await rig.exec(id, ['id', '-u'], { user: 'fred' })).stdout, '1001\n');
    await rig.containers.remove(id, { force: true, volumes: true });
  });
});
