import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type Dockerode from 'dockerode';
import { buildAgent } from '../../scripts/bundles.ts';
import { distDir } from '../../scripts/paths.ts';
import { until } from '../../scripts/processes.ts';
import { starterImage } from '../../scripts/starter-image.ts';
import { limitChecks } from '../agent/cgroup/limits.suite.ts';
import { requires } from '../support/tools.ts';
import { connectGuest, type Guest, startGuest } from './guest.ts';

const unit = '/system.slice/porthole-containers.service';
const cgroups = '/sys/fs/cgroup';

/** A second host as servers are today: cgroup v2, systemd, no Node. One boot for everything. */
describe('a host with cgroup v2 and systemd', function () {
  this.timeout(240_000);
  let guest: Guest;
  const made: Dockerode.Container[] = [];

  before(async function () {
    this.timeout(1_200_000);
    requires(this, {
      root: true,
      programs: ['qemu-system-x86_64', 'debootstrap', 'mkfs.ext4', 'busybox', 'ssh-keygen'],
    });
    guest = await startGuest();
  });
  after(() => guest?.stop());
  afterEach(async () => {
    for (const container of made.splice(0)) await container.remove({ force: true }).catch(() => undefined);
  });

  const start = async (script: string, options?: Dockerode.ContainerCreateOptions) => {
    const container = await guest.create(script, options);
    made.push(container);
    await container.start();
    return container;
  };
  const limited = (script: string, HostConfig: Dockerode.HostConfig) => start(script, { HostConfig });
  const cgroupFile = async ({ id }: Dockerode.Container, file: string) =>
    (await guest.machine.run(`cat ${cgroups}${unit}/${id}/${file}`)).trim();

  it('has systemd delegate a cgroup, in which the agent and its containers are', async () => {
    const { pid } = Object(await guest.porthole('/info'));
    assert.match(await guest.machine.run(`cat /proc/${pid}/cgroup`), new RegExp(`^0::${unit}/agent$`, 'm'));
    const container = await start('sleep 1000');
    const { State } = await container.inspect();
    assert.match(
      await guest.machine.run(`cat /proc/${State.Pid}/cgroup`),
      new RegExp(`^0::${unit}/${container.id}$`, 'm'),
    );
    assert.equal(
      (await guest.machine.run(`systemctl show -p Delegate --value ${unit.split('/').at(-1)}`)).trim(),
      'yes',
    );
  });

  it('runs, answers an exec, and stops', async () => {
    const container = await start('trap "exit 5" TERM; echo hello; while :; do sleep 0.1; done');
    assert.equal(await guest.inside(container, 'echo inside; cat /proc/self/cgroup'), 'inside\n0::/\n');
    await container.stop();
    assert.equal((await container.inspect()).State.ExitCode, 5);
    assert.equal(await guest.said(container), 'hello\n');
  });

  describe('limits, felt inside and seen in the readings', () => {
    let bundle: string;
    before(async () => {
      bundle = await guest.bring(fileURLToPath(new URL('../agent/cgroup/limits-run.ts', import.meta.url)));
    });

    for (const { name } of limitChecks) {
      it(name, async function () {
        this.timeout(400_000);
        const socket = '/run/porthole/porthole.sock';
        // Root's home is on the guest's disk, which the kernel throttles as a whole.
        const said = await guest.node(bundle, [socket, starterImage, '/root', name]);
        // Nothing of the suite is beyond what this guest can do.
        assert.equal(said, '');
      });
    }
  });

  it('freezes, and a frozen one is killed', async () => {
    const container = await start('while :; do date +%s%N; sleep 0.05; done');
    await container.pause();
    assert.equal(await cgroupFile(container, 'cgroup.freeze'), '1');
    await until('it is frozen', async () => (await cgroupFile(container, 'cgroup.events')).includes('frozen 1'));
    const before = await guest.said(container);
    assert.equal(await guest.said(container), before);
    await container.kill();
    assert.equal((await container.wait()).StatusCode, 137);
  });

  it('changes the limits of a running container, and systemd leaves them alone', async () => {
    const container = await limited('sleep 1000', { Memory: 64 << 20 });
    await container.update({ Memory: 48 << 20, MemorySwap: -1, PidsLimit: 50 });
    const limits = async () => [await cgroupFile(container, 'memory.max'), await cgroupFile(container, 'pids.max')];
    const wanted = [String(48 << 20), '50'];
    assert.deepEqual(await limits(), wanted);
    await guest.machine.run('systemctl daemon-reload; systemctl restart ssh');
    assert.deepEqual(await limits(), wanted);
    assert.match(await guest.inside(container, 'cat /sys/fs/cgroup/memory.max'), new RegExp(`^${48 << 20}$`, 'm'));
  });

  it('adopts what runs after the agent was killed', async () => {
    const container = await start('i=0; while :; do echo $i; i=$((i+1)); sleep 0.1; done');
    const before = (await container.inspect()).State.Pid;
    const { pid } = Object(await guest.porthole('/info'));
    await guest.machine.run(`kill -9 ${pid}`);
    await guest.reconnect();
    assert.notEqual(Object(await guest.porthole('/info')).pid, pid);
    const found = await guest.docker().getContainer(container.id).inspect();
    assert.deepEqual([found.State.Running, found.State.Pid], [true, before]);
    const lines = (await guest.said(container)).trimEnd().split('\n');
    assert.deepEqual(
      lines,
      lines.map((_, at) => String(at)),
    );
  });

  /** Somebody connects with an extension that brings a newer agent: systemd keeps that one from now on. */
  async function upgrade(kept: Dockerode.Container): Promise<void> {
    const newer = await mkdtemp(join(tmpdir(), 'porthole-newer-'));
    try {
      await cp(join(distDir, 'agent'), newer, { recursive: true });
      await buildAgent({ outfile: join(newer, 'porthole-agent.cjs'), version: '99.0.0' });
      const pidOf = async () => (await guest.docker().getContainer(kept.id).inspect()).State.Pid;
      const [pid, before] = [await pidOf(), Object(await guest.porthole('/info'))];
      await guest.host.disconnect();
      const other = await connectGuest(guest.machine, 'vm', newer);
      try {
        const info = Object(await other.porthole('/info'));
        assert.notEqual(before.version, '99.0.0');
        assert.equal(info.version, '99.0.0');
        const main = (await guest.machine.run('systemctl show -p MainPID --value porthole')).trim();
        assert.equal(main, String(info.pid), 'it is the one that systemd keeps');
        const { State } = await other.docker().getContainer(kept.id).inspect();
        assert.deepEqual([State.Running, State.Pid], [true, pid], 'the container does not notice');
      } finally {
        await other.host.disconnect();
      }
      await guest.reconnect();
      assert.equal(Object(await guest.porthole('/info')).version, '99.0.0', 'an older extension works with it');
    } finally {
      await rm(newer, { recursive: true, force: true });
    }
  }

  it('comes back with the host when it is a service, with what is to be up', async function () {
    this.timeout(1_200_000);
    const agent = (await guest.machine.run('ls -td /root/.porthole/agents/*/porthole-agent.cjs | head -n 1')).trim();
    const service = (action: string) => guest.node(agent, ['service', action]);
    const kept = await start('while :; do sleep 0.2; done');
    const installed = await service('install');
    assert.match(installed, /porthole\.service is installed and runs/);
    await guest.reconnect();
    assert.equal((await guest.docker().getContainer(kept.id).inspect()).State.Running, true, 'a service takes over');
    await guest.machine.run('systemctl restart porthole');
    await guest.reconnect();
    assert.equal((await guest.docker().getContainer(kept.id).inspect()).State.Running, true, 'a restart leaves it');
    await upgrade(kept);

    const policies: Record<string, Dockerode.HostConfig> = {
      always: { RestartPolicy: { Name: 'always' } },
      unless: { RestartPolicy: { Name: 'unless-stopped' } },
      stopped: { RestartPolicy: { Name: 'unless-stopped' } },
      failure: { RestartPolicy: { Name: 'on-failure' } },
      none: {},
    };
    for (const [name, HostConfig] of Object.entries(policies)) {
      await start('while :; do sleep 0.2; done', { name, HostConfig });
    }
    await guest.docker().getContainer('stopped').stop({ t: 1 });
    await guest.host.disconnect();
    await guest.machine.reboot();
    await until(
      'the service answers',
      async () => (await guest.machine.attempt('test -S /run/porthole/porthole.sock')).code === 0,
    );
    assert.match(await service('status'), /^porthole\.service: enabled, active, pid \d+/m);
    assert.equal((await guest.machine.run('stat -c %a /run/porthole/porthole.sock')).trim(), '600');
    await guest.reconnect();
    const states: Record<string, boolean> = {};
    for (const name of Object.keys(policies)) {
      const { State } = await guest.docker().getContainer(name).inspect();
      states[name] = State.Running || State.Restarting;
    }
    assert.deepEqual(states, { always: true, unless: true, stopped: false, failure: true, none: false });
    for (const name of Object.keys(policies)) made.push(guest.docker().getContainer(name));

    await service('uninstall');
    assert.match(await service('status'), /not installed/);
    await guest.reconnect();
    assert.equal((await guest.docker().listContainers({ all: true })).length, 6, 'what is on disk stays');
  });
});
