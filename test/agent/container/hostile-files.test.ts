import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { HeldDirectory } from '../../../src/agent/sys/held-directory.ts';
import { treeBytes } from '../../../src/agent/sys/tree-size.ts';
import { never, openRig, type Rig } from './rig.ts';

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
      ['/tmp', '/tmp/\uFFFD', '/tmp/\uFFFD/f'],
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
});
