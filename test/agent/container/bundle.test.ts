import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { never, openRig, type Rig } from './rig.ts';

describe('containers: the bundle', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async function () {
    if (spawnSync('runc', ['--version']).error) {
      console.log('      skipped: runc is not installed');
      this.skip();
    }
    rig = await openRig();
  });
  after(() => rig?.close());

  const script = 'hostname; cat /kept; id -u; grep CapEff /proc/self/status';
  const make = { config: { Hostname: 'bundled' } };
  const command = ['sh', '-c', `echo kept > /kept; ${script}`];

  it('is run by runc once the overlay is mounted', async () => {
    const id = await rig.run(command, make);
    await rig.containers.wait(id, 'not-running', never);
    assert.equal(await byRunc(id), (await rig.logs(id)).stdout);
  });

  it('is one from the creation on', async () => {
    const seen = await byRunc(await rig.create(command, make));
    assert.equal(seen, (await rig.output(command, make)).stdout);
  });

  async function byRunc(id: string): Promise<string> {
    const { bundle, imageId } = rig.containers.get(id);
    const { base, lowers } = rig.images.containerRootfs(imageId);
    const spec = JSON.parse(await readFile(join(bundle, 'config.json'), 'utf8'));
    // A cgroup of its own, so that a leftover could be told apart.
    spec.linux.cgroupsPath = `/porthole/${id}-runc`;
    await writeFile(join(bundle, 'config.json'), JSON.stringify(spec));
    const mount = `mount -t overlay overlay -o lowerdir=${lowers.map((each) => join(base, each)).join(':')},upperdir=${bundle}/upper,workdir=${bundle}/work ${bundle}/rootfs`;
    const name = `porthole-test-${randomBytes(4).toString('hex')}`;
    const run = `${mount} && runc --root ${rig.root}/runc run --no-pivot=false -b ${bundle} ${name}`;
    const done = spawnSync('unshare', ['-m', '--propagation', 'private', 'sh', '-c', run], { encoding: 'utf8' });
    assert.equal(done.status, 0, done.stderr);
    return done.stdout;
  }
});
