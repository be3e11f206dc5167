import assert from 'node:assert/strict';
import { never, openRig, type Rig } from './rig.ts';

describe('containers: changes against the image', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(() => rig.close());

  async function changesAfter(script: string, hostConfig = {}): Promise<string[]> {
    const id = await rig.run(['sh', '-c', script], { hostConfig: { NetworkMode: 'none', ...hostConfig } });
    await rig.containers.wait(id, 'not-running', never);
    return (await rig.containers.changes(id)).map(({ Path, Kind }) => `${'CAD'[Kind]} ${Path}`);
  }

  // What dockerd 20.10 says about the same commands on the same image, sorted.
  it('lists nothing that the engine itself made', async () => {
    assert.deepEqual(await changesAfter('true'), []);
  });

  it('tells added, modified and deleted, with directories for what changed in them', async () => {
    assert.deepEqual(
      await changesAfter(
        'echo x >> /etc/passwd; rm /data/a; rm -r /data/sub; mkdir /data/sub; touch /data/sub/z; mkdir -p /n/m; touch /n/m/o; chmod 600 /etc/group; touch /dev/shm/x; touch /tmp/q; chmod 644 /etc/group; rm /bin/yes; ln -s busybox /bin/yes; mkdir /bin/d; rmdir /bin/d',
      ),
      [
        'C /bin',
        'C /bin/yes',
        'C /data',
        'D /data/a',
        'C /data/sub',
        'D /data/sub/b',
        'A /data/sub/z',
        'C /etc',
        'C /etc/passwd',
        'A /n',
        'A /n/m',
        'A /n/m/o',
        'C /tmp',
        'A /tmp/q',
      ].sort(byPath),
    );
  });

  it('sees a symbolic link that points elsewhere, also when its time is that of the image', async () => {
    // touch -h: the link's own time, which is that of every file of the image.
    assert.deepEqual(await changesAfter('rm /bin/yes; ln -s sh /bin/yes; touch -h -d @1700000000 /bin/yes'), [
      'C /bin',
      'C /bin/yes',
    ]);
    assert.deepEqual(await changesAfter('rm /bin/yes; ln -s busybox /bin/yes; touch -h -d @1700000000 /bin/yes'), []);
  });

  it('counts a directory that became a file once, and one that was made anew as emptied', async () => {
    assert.deepEqual(
      await changesAfter('rm -r /data; echo > /data; mv /tmp /tmp2'),
      ['C /data', 'D /tmp', 'A /tmp2'].sort(byPath),
    );
    assert.deepEqual(await changesAfter('rm -r /data; mkdir /data'), ['C /data', 'D /data/a', 'D /data/sub']);
  });

  it('lists mount points that the user asked for, as dockerd does', async () => {
    assert.deepEqual(
      await changesAfter('true', { Binds: ['/tmp:/newdir', '/etc/passwd:/etc/newfile'], Tmpfs: { '/tt': '' } }),
      ['C /etc', 'A /etc/newfile', 'A /newdir', 'A /tt'].sort(byPath),
    );
  });
});

const byPath = (a: string, b: string) => (a.slice(2) < b.slice(2) ? -1 : 1);
