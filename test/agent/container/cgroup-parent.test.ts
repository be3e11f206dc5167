import assert from 'node:assert/strict';
import { readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootsOf } from '../../../src/agent/cgroup/tree.ts';
import { createContainers } from '../../../src/agent/container/containers.ts';
import { EventHub } from '../../../src/agent/container/events.ts';
import { cgroupParentOf } from '../../../src/agent/plan/cgroup-path.ts';
import { openRig, type Rig } from './rig.ts';

describe('containers: where their cgroups are', function () {
  this.timeout(60_000);
  const parent = `/porthole-test-${process.pid}`;
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(async () => {
    await rig.close();
    for (const root of rootsOf(rig.host.cgroup)) {
      for (const below of ['/inner', '']) await rmdir(`${root}${parent}${below}`).catch(() => undefined);
    }
  });

  const cgroupsOf = async (pid: number): Promise<string> => readFile(`/proc/${pid}/cgroup`, 'utf8');

  it('makes it below the parent that the container asks for, and removes it there', async () => {
    const id = await rig.run(['sleep', '1000'], { hostConfig: { CgroupParent: `${parent.slice(1)}/inner` } });
    const { pid } = rig.containers.get(id).state;
    assert.match(await cgroupsOf(pid), new RegExp(`:memory:${parent}/inner/${id}$`, 'm'));
    assert.equal((await rig.containers.reading(id)).path, `${parent}/inner/${id}`);
    assert.deepEqual(await rig.containers.pids(id), [pid]);
    await rig.containers.pause(id);
    await rig.containers.unpause(id);
    await rig.containers.remove(id, { force: true, volumes: true });
    for (const root of rootsOf(rig.host.cgroup)) {
      await assert.rejects(readFile(`${root}${parent}/inner/${id}/cgroup.procs`), { code: 'ENOENT' });
    }
  });

  it('keeps where a container is, whatever parent the next engine has', async () => {
    const { host, images, shims, dataRoot, execRoot } = rig;
    const old = await rig.run(['sleep', '1000']);
    await rig.containers.shutdown();
    const events = new EventHub(() => process.hrtime.bigint());
    const parts = { dataRoot, execRoot, host, images, shims, events, cgroupParent: parent };
    const moved = await createContainers(parts);
    assert.equal((await moved.reading(old)).path, `/porthole/${old}`);
    const { id } = await moved.create({ config: { Image: 'bb', Cmd: ['sleep', '1000'] }, hostConfig: {} });
    await moved.start(id);
    assert.equal((await moved.reading(id)).path, `${parent}/${id}`);
    await moved.shutdown();
    await rig.reopen();
    assert.equal((await rig.containers.reading(id)).path, `${parent}/${id}`);
    for (const one of [old, id]) await rig.containers.remove(one, { force: true, volumes: true });
  });

  it('takes a record without the field for one of the usual place', async () => {
    const id = await rig.create(['sleep', '1000']);
    await rig.containers.shutdown();
    const file = join(rig.dataRoot, 'containers', id, 'container.json');
    const record: { cgroupPath?: string } = JSON.parse(await readFile(file, 'utf8'));
    assert.equal(record.cgroupPath, `/porthole/${id}`);
    delete record.cgroupPath;
    await writeFile(file, JSON.stringify(record));
    await rig.reopen();
    await rig.containers.start(id);
    assert.equal((await rig.containers.reading(id)).path, `/porthole/${id}`);
    await rig.containers.remove(id, { force: true, volumes: true });
  });

  it('refuses a parent outside of the root, and slices', () => {
    assert.equal(cgroupParentOf('a//b/./c/'), '/a/b/c');
    assert.equal(cgroupParentOf('/'), '/');
    for (const bad of ['../x', '/a/../b', 'user.slice', '/system.slice']) {
      assert.throws(() => cgroupParentOf(bad), /invalid cgroup parent/);
    }
  });
});
