import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readHostFacts } from '../../../src/agent/sys/facts.ts';
import {
  childrenOf,
  isAlive,
  parseCgroups,
  parseMountInfo,
  parseStat,
  readArguments,
  readCgroups,
  readNamespaces,
  readStat,
  readStatus,
} from '../../../src/agent/sys/proc.ts';

describe('/proc', () => {
  it('has process names with anything in them', () => {
    const stat = parseStat('12 (a) b) (c\n) S 1 12 12 34816 12 4194304 1 2 3 4 50 60 7 8 20 0 3 0 98765 1 2 3\n');
    assert.deepEqual(stat, {
      pid: 12,
      name: 'a) b) (c\n',
      state: 'S',
      parent: 1,
      session: 12,
      terminal: 34816,
      userTicks: 50,
      systemTicks: 60,
      threads: 3,
      startTicks: 98765n,
    });
  });

  it('has mount points with blanks, and fields that come and go', () => {
    const [first, second] = parseMountInfo(
      '36 35 98:0 /a\\040b /mnt\\012x rw,noatime shared:1 master:2 - ext3 /dev/root rw,errors=continue\n37 36 0:1 / /x ro - tmpfs none rw\n',
    );
    assert.equal(first?.root, '/a b');
    assert.equal(first?.target, '/mnt\nx');
    assert.deepEqual(first?.propagation, ['shared:1', 'master:2']);
    assert.deepEqual(second, {
      id: 37,
      parent: 36,
      device: '0:1',
      root: '/',
      target: '/x',
      options: ['ro'],
      propagation: [],
      type: 'tmpfs',
      source: 'none',
      superOptions: ['rw'],
    });
  });

  it('has cgroups with several controllers and paths with colons', () => {
    const found = parseCgroups('4:cpu,cpuacct:/a:b\n1:name=systemd:/x\n0::/y\n');
    assert.deepEqual(
      [...found],
      [
        ['cpu', '/a:b'],
        ['cpuacct', '/a:b'],
        ['name=systemd', '/x'],
        ['', '/y'],
      ],
    );
  });

  it('tells a process from a later one with its pid', async () => {
    const child = spawn('sleep', ['100']);
    const pid = child.pid ?? assert.fail();
    const ticks = (await readStat(pid))?.startTicks ?? assert.fail();
    assert.ok((await childrenOf(process.pid)).includes(pid));
    assert.ok(await isAlive({ pid, startTicks: ticks }));
    assert.ok(!(await isAlive({ pid, startTicks: ticks + 1n })));
    const namespaces = await readNamespaces(pid);
    assert.deepEqual(namespaces, await readNamespaces('self'));
    assert.equal((await readStatus(pid))?.get('PPid'), String(process.pid));
    assert.ok((await readCgroups(pid))?.size);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok(!(await isAlive({ pid, startTicks: ticks })));
    const gone = [readStat(pid), readStatus(pid), readArguments(pid), readCgroups(pid), readNamespaces(pid)];
    assert.deepEqual(
      await Promise.all(gone),
      gone.map(() => undefined),
    );
  });

  it('tells what this machine can do', async () => {
    const facts = await readHostFacts();
    assert.ok(facts.kernel.major >= 5 && facts.lastCapability >= 37);
    assert.ok(facts.features.has('seccomp') && facts.features.has('cgroupns'));
    assert.match(facts.processors?.cpus ?? '', /^0/);
    if (facts.cgroup.version === 1) {
      const controllers = facts.cgroup.hierarchies.flatMap((one) => one.controllers);
      for (const name of ['cpu', 'memory', 'pids', 'devices']) assert.ok(controllers.includes(name), name);
      assert.equal(new Set(controllers).size, controllers.length);
    } else {
      assert.ok(facts.cgroup.controllers.includes('memory'));
    }
  });
});
