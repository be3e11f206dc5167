import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ownPrograms } from '../../scripts/host-programs.ts';
import { makeStarterImage } from '../../scripts/starter-image.ts';
import { requires } from './tools.ts';

describe('the starter image', function () {
  this.timeout(60_000);

  it('is the same bytes each time', async () => {
    assert.ok((await makeStarterImage()).equals(await makeStarterImage()));
  });

  it('without a busybox, has Node, a shell and their libraries: they run where nothing else is', async function () {
    requires(this, { root: true });
    const root = await mkdtemp('/tmp/porthole-starter-');
    try {
      for (const { name, content = '', link, mode = 0o755 } of (await ownPrograms()).files) {
        const path = join(root, name);
        await mkdir(dirname(path), { recursive: true });
        if (link === undefined) await writeFile(path, content);
        else await symlink(link, path);
        if (link === undefined) await chmod(path, mode);
      }
      const script = 'ls /bin | grep -x sleep; node -p process.version; sleep 0; echo $?';
      const said = execFileSync('chroot', [root, '/bin/sh', '-c', script], {
        encoding: 'utf8',
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      });
      assert.equal(said, `sleep\n${process.version}\n0\n`);
    } finally {
      await rm(root, { recursive: true });
    }
  });
});
