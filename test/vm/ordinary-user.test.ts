import assert from 'node:assert/strict';
import type Dockerode from 'dockerode';
import { until } from '../../scripts/processes.ts';
import { starterImage } from '../../scripts/starter-image.ts';
import { requires } from '../support/tools.ts';
import { startVirtualMachine, type VirtualMachine, type VmUser } from '../support/virtual-machine.ts';
import { connectGuest, type Guest } from './guest.ts';

const unit = '/user.slice/user-1000.slice/user@1000.service/app.slice/porthole-containers.service';
const cgroups = '/sys/fs/cgroup';

/** The engine that an ordinary user gets over SSH where systemd leaves cgroups to users, and containers with ids of their own. */
describe('an ordinary user of a host with cgroup v2 and systemd', function () {
  this.timeout(240_000);
  let machine: VirtualMachine;
  let guest: Guest;
  const made: Dockerode.Container[] = [];

  before(async function () {
    this.timeout(1_200_000);
    requires(this, {
      root: true,
      programs: ['qemu-system-x86_64', 'debootstrap', 'mkfs.ext4', 'busybox', 'ssh-keygen'],
    });
    machine = await startVirtualMachine();
    // Whom logind stops, it stops at once.
    await machine.run(
      'mkdir -p /etc/systemd/logind.conf.d; printf "[Login]\\nUserStopDelaySec=0\\n" > /etc/systemd/logind.conf.d/now.conf; systemctl restart systemd-logind',
    );
    guest = await connectGuest(machine, 'ordinary');
  });
  after(async () => {
    await guest?.host.disconnect();
    await machine?.stop();
  });
  afterEach(async () => {
    for (const container of made.splice(0)) await container.remove({ force: true }).catch(() => undefined);
  });

  const start = async (script: string, options?: Dockerode.ContainerCreateOptions, on = guest) => {
    const container = await on.create(script, options);
    made.push(container);
    await container.start();
    return container;
  };
  const limited = (script: string, HostConfig: Dockerode.HostConfig) => start(script, { HostConfig });
  const reading = async ({ id }: Dockerode.Container) => Object(await guest.porthole(`/containers/${id}/cgroup`));
  const cgroupFile = async ({ id }: Dockerode.Container, file: string) =>
    (await machine.run(`cat ${cgroups}${unit}/${id}/${file}`)).trim();
  const info = async (on = guest) => Object(await on.porthole('/info'));
  const cgroupOf = async (pid: number) => (await machine.run(`cat /proc/${pid}/cgroup`)).trim();
  const isRunning = async (id: string) => (await guest.docker().getContainer(id).inspect()).State.Running;

  it('has a cgroup delegated by the user’s own systemd, in which the agent and its containers are', async () => {
    const { pid, rootless, cgroups, unavailable } = await info();
    assert.deepEqual({ rootless, cgroups }, { rootless: true, cgroups: true });
    assert.equal(await cgroupOf(pid), `0::${unit}/agent`);
    const container = await start('sleep 1000');
    assert.equal(await cgroupOf((await container.inspect()).State.Pid), `0::${unit}/${container.id}`);
    const { CgroupDriver, MemoryLimit, CPUSet } = await guest.docker().info();
    assert.deepEqual(
      { CgroupDriver, MemoryLimit, CPUSet },
      { CgroupDriver: 'cgroupfs', MemoryLimit: true, CPUSet: true },
    );
    assert.doesNotMatch(JSON.stringify(unavailable), /delegate|PID namespace/);
  });

  it('has limits: memory, processes, CPU, disks, seen inside and in the readings', async () => {
    const greedy = await limited('tail /dev/zero', { Memory: 24 << 20, MemorySwap: 24 << 20 });
    assert.equal((await greedy.wait()).StatusCode, 137);
    assert.equal((await greedy.inspect()).State.OOMKilled, true);

    const many = await limited('sleep 1000', { PidsLimit: 8, CpusetCpus: '1' });
    const said = await guest.inside(many, 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 100 & done; echo done');
    assert.match(said, /can't fork|Resource temporarily unavailable/);
    assert.match(await cgroupFile(many, 'pids.events'), /^max [1-9]/);
    assert.match(await guest.inside(many, 'grep Cpus_allowed_list /proc/self/status'), /\t1$/m);

    const busy = await limited('while :; do :; done', {
      NanoCpus: 200_000_000,
      BlkioDeviceWriteBps: [{ Path: '/dev/vda', Rate: 1 << 20 }],
    });
    assert.match(await cgroupFile(busy, 'io.max'), /\bwbps=1048576\b/);
    await until('it is throttled', async () => (await reading(busy)).cpu.throttledPeriods > 2);
    assert.match(await guest.inside(busy, 'cat /sys/fs/cgroup/cpu.max'), /^20000 100000$/m);
    const stats = await busy.stats({ stream: false });
    assert.ok(stats.cpu_stats.cpu_usage.total_usage > 0 && stats.memory_stats.usage > 0, JSON.stringify(stats));
    await busy.update({ Memory: 48 << 20, MemorySwap: -1 });
    assert.match(await guest.inside(busy, 'cat /sys/fs/cgroup/memory.max'), new RegExp(`^${48 << 20}$`, 'm'));
  });

  it('freezes and thaws', async () => {
    const container = await start('while :; do date +%s%N; sleep 0.05; done');
    await container.pause();
    await until('it is frozen', async () => (await cgroupFile(container, 'cgroup.events')).includes('frozen 1'));
    const before = await guest.said(container);
    assert.equal(await guest.said(container), before);
    await container.unpause();
    await until('it goes on', async () => (await guest.said(container)).length > before.length);
  });

  it('adopts what runs after the agent was killed, limits and all', async () => {
    const container = await limited('while :; do sleep 0.1; done', { Memory: 64 << 20 });
    const before = (await container.inspect()).State.Pid;
    const { pid } = await info();
    await machine.run(`kill -9 ${pid}`);
    await guest.reconnect();
    const next = await info();
    assert.notEqual(next.pid, pid);
    assert.equal(await cgroupOf(next.pid), `0::${unit}/agent`);
    const found = guest.docker().getContainer(container.id);
    assert.equal((await found.inspect()).State.Pid, before);
    await found.pause();
    assert.equal(await cgroupFile(container, 'cgroup.freeze'), '1');
    await found.unpause();
    assert.equal(await cgroupFile(container, 'memory.max'), String(64 << 20));
  });

  it('goes on when the user has logged out, and leaves nothing of him after the last container', async () => {
    const { id } = await start('while :; do sleep 0.1; done');
    const { State } = await guest.docker().getContainer(id).inspect();
    await guest.host.disconnect();
    const state = async () =>
      (await machine.attempt('loginctl show-user ordinary --property=State --value')).output.trim();
    await until('no login is left', async () => (await state()) === 'closing');
    assert.equal(await cgroupOf(State.Pid), `0::${unit}/${id}`);
    await guest.reconnect();
    assert.equal(await isRunning(id), true);
    await guest.docker().getContainer(id).remove({ force: true });
    const { pid } = await info();
    await guest.host.disconnect();
    await machine.run(`kill ${pid}`);
    const isLeft = async () => (await machine.attempt('pgrep -u ordinary')).code === 0;
    await until('the user has no process', async () => !(await isLeft()));
    await guest.host.connect(new AbortController().signal);
  });

  it('is a service of the user’s, which comes back with the host where the user lingers', async function () {
    this.timeout(600_000);
    const service = async (action: string, as: VmUser = 'ordinary') =>
      machine.run(`~/.porthole/node/*/node ~/.porthole/agents/*/porthole-agent.cjs service ${action} --user`, as);
    assert.match(await service('status'), /porthole\.service: not installed/);
    const kept = await start('while :; do sleep 0.2; done');
    assert.match(await service('install'), /is installed and runs[\s\S]*loginctl enable-linger ordinary/);
    await machine.run('loginctl enable-linger ordinary');
    assert.doesNotMatch(await service('install'), /linger/);
    await guest.reconnect();
    assert.equal(await isRunning(kept.id), true, 'a service takes over');
    const policies = { always: { Name: 'always' }, unless: { Name: 'unless-stopped' }, none: { Name: '' } };
    for (const [name, RestartPolicy] of Object.entries(policies)) {
      await start('while :; do sleep 0.2; done', { name, HostConfig: { RestartPolicy, Memory: 32 << 20 } });
    }
    await guest.host.disconnect();
    await machine.reboot();
    const socket = '/run/user/1000/porthole/porthole.sock';
    await until('the service answers', async () => (await machine.attempt(`test -S ${socket}`)).code === 0);
    assert.equal((await machine.run(`stat -c %a:%u ${socket}`)).trim(), '600:1000');
    assert.match(await service('status'), /^porthole\.service: enabled, active, pid \d+/m);
    await guest.host.connect(new AbortController().signal);
    const states: Record<string, boolean> = {};
    for (const name of Object.keys(policies)) states[name] = await isRunning(name);
    assert.deepEqual(states, { always: true, unless: true, none: false });
    const always = guest.docker().getContainer('always');
    const { Id, State } = await always.inspect();
    assert.equal(await cgroupOf(State.Pid), `0::${unit}/${Id}`);
    assert.match(await guest.inside(always, 'cat /sys/fs/cgroup/memory.max'), new RegExp(`^${32 << 20}$`, 'm'));
    await service('uninstall');
    assert.match(await service('status'), /not installed/);
    for (const name of Object.keys(policies)) made.push(guest.docker().getContainer(name));
    await guest.reconnect();
    assert.equal(await isRunning('always'), true, 'containers stay');
  });

  it('where systemd leaves a user only some controllers, says which and how to have the others', async () => {
    const other = await connectGuest(machine, 'other');
    try {
      const { unavailable } = await info(other);
      const missing = JSON.stringify(unavailable);
      assert.match(missing, /the io controller was not delegated to the user.*user@\.service\.d/);
      assert.match(missing, /the cpuset controller/);
      assert.doesNotMatch(missing, /the (memory|pids) controller/);
      const limits = { CpusetCpus: '0', Memory: 32 << 20, NetworkMode: 'none' };
      const { Id, Warnings } = await createdBy(other, { Cmd: ['sleep', '1000'], HostConfig: limits });
      assert.match(JSON.stringify(Warnings), /does not support cpuset.*Cpuset discarded/);
      const container = other.docker().getContainer(Id);
      made.push(container);
      await container.start();
      assert.match(await other.inside(container, 'cat /sys/fs/cgroup/memory.max'), new RegExp(`^${32 << 20}$`, 'm'));
      await container.remove({ force: true });
    } finally {
      await other.host.disconnect();
    }
  });

  it('root’s containers can have ids of their own there', async () => {
    const root = await connectGuest(machine, 'vm');
    try {
      const HostConfig = { UsernsMode: 'auto', Memory: 32 << 20 };
      const container = await start('sleep 1000', { HostConfig }, root);
      const [, start0, size] = (await root.inside(container, 'cat /proc/self/uid_map')).trim().split(/\s+/).map(Number);
      assert.ok(start0 && start0 > 1001 && size === 65_536, `${start0} ${size}`);
      const script = 'touch /f; chown 1000:50 /f; stat -c %u:%g /f /etc; cat /sys/fs/cgroup/memory.max';
      assert.equal(await root.inside(container, script), `1000:50\n0:0\n${32 << 20}\n`);
      const { State } = await container.inspect();
      assert.match(await machine.run(`cat /proc/${State.Pid}/status`), new RegExp(`^Uid:\\s+${start0}\\s`, 'm'));
      await container.remove({ force: true });
    } finally {
      await root.host.disconnect();
    }
  });
});

/** What the engine answers; dockerode keeps the warnings to itself. */
function createdBy(on: Guest, body: Dockerode.ContainerCreateOptions): Promise<{ Id: string; Warnings: string[] }> {
  const asked = {
    path: '/containers/create?',
    method: 'POST',
    options: { Image: starterImage, ...body },
    statusCodes: { 201: true, 400: 'bad parameter', 500: 'server error' },
  };
  return new Promise((resolve, reject) => {
    on.docker().modem.dial(asked, (failure, answer) => {
      if (failure) return reject(failure);
      const { Id, Warnings } = Object(answer);
      resolve({ Id, Warnings });
    });
  });
}
