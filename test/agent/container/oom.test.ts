import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import type { HostConfig } from '../../../src/protocol/docker.ts';
import { never, openRig, type Rig, until } from './rig.ts';

describe('containers: out of memory', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(() => rig.close());

  const small: HostConfig = { NetworkMode: 'none', Memory: 16 << 20, MemorySwap: 16 << 20 };
  /** Wants more than there is each time that it is asked to; the shell itself survives. */
  const glutton = 'while read line; do dd if=/dev/zero of=/dev/null ibs=1M obs=200M count=200; echo done; done';
  const ooms = (id: string): number => rig.eventsOf(id).filter((action) => action === 'oom').length;

  async function startGlutton(hostConfig: HostConfig): Promise<{ id: string; ask: () => Promise<void> }> {
    const id = await rig.create(['sh', '-c', glutton], { hostConfig, config: { OpenStdin: true } });
    await rig.containers.start(id);
    const ask = async (): Promise<void> => {
      const options = { stdin: true, stdout: true, stderr: true, logs: false, stream: true };
      const { duplex } = await rig.containers.attach(id, options);
      duplex.on('error', () => undefined).resume();
      duplex.write('go\n');
      await until('the kernel has killed', async () => (await killsOf(id)) > 0);
    };
    return { id, ask };
  }

  async function killsOf(id: string): Promise<number> {
    return (await rig.containers.reading(id)).memory?.oomKills ?? 0;
  }

  it('is announced when it happens, once per kill, and shown while the container goes on', async () => {
    const { id, ask } = await startGlutton(small);
    assert.equal(rig.containers.get(id).state.oomKilled, false);
    for (let kill = 1; kill <= 3; kill++) {
      await ask();
      await until(`kill ${kill} is announced`, async () => ooms(id) === kill && (await killsOf(id)) === kill);
    }
    assert.equal(rig.containers.get(id).state.status, 'running');
    assert.equal(rig.containers.get(id).state.oomKilled, true);
    await rig.containers.kill(id, 'KILL');
    await rig.containers.wait(id, 'not-running', never);
    assert.equal(ooms(id), 3);
    assert.equal(rig.containers.get(id).state.oomKilled, true);
    await rig.containers.start(id);
    assert.equal(rig.containers.get(id).state.oomKilled, false);
    await rig.containers.remove(id, { force: true, volumes: true });
  });

  it('is announced by the next engine when none was there, and not twice', async () => {
    const { id, ask } = await startGlutton(small);
    await ask();
    await until('it is announced', async () => ooms(id) === 1);
    await rig.containers.shutdown();
    const { pid } = rig.containers.get(id).state;
    await killAnother(pid);
    await rig.reopen();
    await until('the other is announced', async () => ooms(id) === 2);
    await rig.containers.shutdown();
    await rig.reopen();
    await ask();
    await until('the third is announced', async () => (await killsOf(id)) === 3 && ooms(id) === 3);
    await rig.containers.remove(id, { force: true, volumes: true });
    assert.equal(ooms(id), 3);
  });

  it('that the killer may not end is announced too, and ends with more memory', async function () {
    if (rig.host.cgroup.version === 2) return this.skip();
    const { id } = await startGlutton({ ...small, OomKillDisable: true });
    const options = { stdin: true, stdout: true, stderr: true, logs: false, stream: true };
    const { duplex } = await rig.containers.attach(id, options);
    let said = '';
    duplex.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
    });
    duplex.write('go\n');
    await until('it is announced', async () => ooms(id) === 1);
    assert.equal(rig.containers.get(id).state.oomKilled, false);
    assert.equal(said, '');
    await rig.containers.remove(id, { force: true, volumes: true });
    assert.equal(ooms(id), 1);
  });

  /** Writes to the standard input of a container that no engine watches: through the shim's own pipe. */
  async function killAnother(pid: number): Promise<void> {
    const before = await kernelCount(pid);
    await writeFile(`/proc/${pid}/fd/0`, 'go\n');
    await until('the kernel has killed again', async () => (await kernelCount(pid)) > before);
  }

  async function kernelCount(pid: number): Promise<number> {
    const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8');
    const { cgroup } = rig.host;
    const file =
      cgroup.version === 2
        ? `${cgroup.root}${/^0::(.*)$/m.exec(groups)?.[1]}/memory.events`
        : `${cgroup.hierarchies.find((one) => one.controllers.includes('memory'))?.root}${/:memory:(.*)$/m.exec(groups)?.[1]}/memory.oom_control`;
    return Number(/^oom_kill (\d+)$/m.exec(await readFile(file, 'utf8'))?.[1]);
  }
});
