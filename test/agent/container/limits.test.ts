import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createContainers } from '../../../src/agent/container/containers.ts';
import { EventHub } from '../../../src/agent/container/events.ts';
import { isKind } from '../../../src/base/errors.ts';
import type { HostConfig } from '../../../src/protocol/docker.ts';
import { cgroupsOf, never, openRig, type Rig, until } from './rig.ts';

describe('containers: limits, rights and what is refused', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(() => rig.close());
  const none = { NetworkMode: 'none' };

  it('shows an OOM kill', async () => {
    // One process alone wants memory: a second one might be refused too while the kernel still takes the first apart.
    const done = await rig.output(['sh', '-c', 'dd if=/dev/zero of=/dev/null bs=200M count=1; echo survived'], {
      hostConfig: { ...none, Memory: 16 * 1024 * 1024 },
    });
    assert.match(done.stdout, /survived/);
    const { state } = rig.containers.get(done.id);
    assert.equal(state.oomKilled, true);
    assert.deepEqual(rig.eventsOf(done.id).slice(-2), ['oom', 'die']);
    const calm = await rig.output(['true'], { hostConfig: { ...none, Memory: 16 * 1024 * 1024 } });
    assert.equal(rig.containers.get(calm.id).state.oomKilled, false);
  });

  it('stops a fork bomb at its pids limit', async () => {
    // A shell whose fork is refused ends: the initial process forks once, before the bomb, and never again.
    const id = await rig.run(['sh', '-c', 'b() { b | b & }; b & exec sleep 1000'], {
      hostConfig: { ...none, PidsLimit: 20 },
    });
    await until('forks are refused', async () => ((await rig.containers.reading(id)).pids?.refused ?? 0) > 0);
    assert.ok((await rig.containers.pids(id)).length <= 20);
    await rig.containers.remove(id, { force: true, volumes: true });
    assert.deepEqual(await cgroupsOf(rig.host, id), []);
  });

  it('gives a part of a CPU', async () => {
    const id = await rig.run(['sh', '-c', 'while :; do :; done'], { hostConfig: { ...none, NanoCpus: 50_000_000 } });
    await until('it is throttled', async () => ((await rig.containers.reading(id)).cpu?.throttledPeriods ?? 0) > 2);
    assert.equal((await rig.containers.reading(id)).cpu?.limit, 0.05);
    await rig.containers.remove(id, { force: true, volumes: true });
  });

  const cpus = availableParallelism();
  const refusals: readonly (readonly [HostConfig, string])[] = [
    [{ Memory: 1 << 20 }, 'Minimum memory limit allowed is 6MB'],
    [{ ExtraHosts: ['a:1.2.3'] }, 'invalid IP address in add-host: "1.2.3"'],
    [{ ExtraHosts: ['a:1.2.3.4\n5.6.7.8 b'] }, 'invalid IP address in add-host: "1.2.3.4\n5.6.7.8 b"'],
    [{ NanoCpus: 1e12 }, `Range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`],
    [{ MemorySwap: 1 << 24 }, 'You should always set the Memory limit when using Memoryswap limit, see usage'],
    [
      { Memory: 1 << 24, MemorySwap: 1 << 23 },
      'Minimum memoryswap limit should be larger than memory limit, see usage',
    ],
    [{ CpuQuota: 10 }, 'CPU cfs quota can not be less than 1ms (i.e. 1000)'],
    [{ CpuPeriod: 10 }, 'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)'],
    [{ NanoCpus: 5e8, CpuQuota: 10_000 }, 'Conflicting options: Nano CPUs and CPU Quota cannot both be set'],
    [{ CpusetCpus: 'z' }, 'Invalid value z for cpuset cpus: invalid format: z'],
    [{ OomScoreAdj: 2000 }, 'Invalid value 2000, range for oom score adj is [-1000, 1000]'],
    [{ CapAdd: ['foo'] }, 'invalid CapAdd: unknown capability: "CAP_FOO"'],
    [{ SecurityOpt: ['foo=bar'] }, 'invalid --security-opt 2: "foo=bar"'],
    [{ Binds: ['/a:/b:zz'] }, 'invalid mode: zz'],
    [
      { Binds: ['/tmp:/'] },
      "invalid volume specification: '/tmp:/': invalid mount config for type \"bind\": invalid specification: destination can't be '/'",
    ],
    [
      { Mounts: [{ Type: 'bind', Source: '/no/such/place', Target: '/x' }] },
      'invalid mount config for type "bind": bind source path does not exist: /no/such/place',
    ],
    [{ Tmpfs: { rel: '' } }, "invalid mount path: 'rel' mount path must be absolute"],
    [{ Tmpfs: { '/t': 'size=1m,bogus' } }, 'invalid tmpfs option ["bogus"]'],
    [{ PortBindings: { '80/tcp': [{ HostPort: '80' }] } }, 'Publishing ports (PortBindings) is not supported yet'],
    [
      { RestartPolicy: { Name: 'always' }, AutoRemove: true },
      "can't create 'AutoRemove' container with restart policy",
    ],
  ];
  for (const [hostConfig, words] of refusals) {
    it(`refuses ${JSON.stringify(hostConfig)}`, async () => {
      const before = await readdir(join(rig.dataRoot, 'containers'));
      await assert.rejects(rig.create(['true'], { hostConfig: { ...none, ...hostConfig } }), (failure: unknown) => {
        assert.ok(isKind(failure, 'invalid'), String(failure));
        assert.equal(failure.message, words);
        return true;
      });
      assert.deepEqual(await readdir(join(rig.dataRoot, 'containers')), before);
    });
  }

  it('refuses what the image and the command make impossible', async () => {
    await assert.rejects(rig.create([]), { message: 'no command specified' });
    await assert.rejects(rig.create(['true'], { config: { Image: 'ghost' } }), {
      message: 'No such image: ghost:latest',
    });
    await assert.rejects(rig.create(['true'], { config: { WorkingDir: 'rel' } }), {
      message: "the working directory 'rel' is invalid, it needs to be an absolute path",
    });
  });

  it('leaves nothing behind when the kernel refuses a limit', async () => {
    // The machine's root lacks CAP_SYS_RESOURCE or the kernel's own ceiling is lower: either way the step is named.
    const id = await rig.create(['true'], {
      hostConfig: { ...none, Ulimits: [{ Name: 'nofile', Soft: 2 ** 40, Hard: 2 ** 40 }] },
    });
    await assert.rejects(rig.containers.start(id), (failure: unknown) => {
      assert.ok(isKind(failure, 'internal'), String(failure));
      assert.match(failure.message, /setrlimit|ulimit|prlimit/);
      assert.match(failure.message, /EPERM/);
      return true;
    });
    assert.deepEqual(await cgroupsOf(rig.host, id), []);
    assert.ok(!existsSync(join(rig.execRoot, 'containers', id)));
    assert.equal(rig.containers.get(id).state.exitCode, 128);
  });

  it('resolves users in the container’s own files', async () => {
    const id = async (user: string, more: HostConfig = {}) =>
      (
        await rig.output(['sh', '-c', 'id -u; id -g; id -G; echo $HOME'], {
          config: { User: user },
          hostConfig: { ...none, ...more },
        })
      ).stdout;
    assert.equal(await id(''), '0\n0\n0 50\n/root\n');
    assert.equal(await id('fred'), '1000\n1000\n1000 50\n/home/fred\n');
    assert.equal(await id('fred:staff'), '1000\n50\n50\n/home/fred\n');
    assert.equal(await id('77'), '77\n0\n0\n/\n');
    assert.equal(await id('77', { GroupAdd: ['staff', '9'] }), '77\n0\n0 9 50\n/\n');
    const ghost = await rig.create(['true'], { config: { User: 'joe' } });
    await assert.rejects(rig.containers.start(ghost), {
      message: 'unable to find user joe: no matching entries in passwd file',
    });
    // What the container itself wrote counts at its next start.
    const script = 'id -u fred; sed -i s/1000/2000/ /etc/passwd; id -u';
    const changed = await rig.run(['sh', '-c', script], { config: { User: '' } });
    await rig.containers.wait(changed, 'not-running', never);
    await rig.containers.start(changed);
    await rig.containers.wait(changed, 'not-running', never);
    assert.equal((await rig.logs(changed)).stdout, '1000\n0\n2000\n0\n');
    const moved = await rig.run(['sh', '-c', 'id -u; grep -q 1000 /etc/passwd || exit 3; chmod 666 /etc/passwd'], {
      config: { User: '' },
    });
    await rig.containers.wait(moved, 'not-running', never);
  });

  it('gives and takes rights', async () => {
    const status = async (more: HostConfig, user = '') => {
      const { stdout } = await rig.output(
        ['sh', '-c', 'grep -E "CapEff|CapBnd|NoNewPrivs|Seccomp:" /proc/self/status'],
        {
          config: { User: user },
          hostConfig: { ...none, ...more },
        },
      );
      return Object.fromEntries(
        stdout
          .trim()
          .split('\n')
          .map((line) => line.split(/:\s+/)),
      );
    };
    const usual = { CapEff: '00000000a80425fb', CapBnd: '00000000a80425fb', NoNewPrivs: '0', Seccomp: '2' };
    assert.deepEqual(await status({}), usual);
    assert.equal((await status({}, '1000'))['CapEff'], '0000000000000000');
    assert.equal((await status({ CapAdd: ['NET_ADMIN'] }))['CapEff'], '00000000a80435fb');
    assert.equal((await status({ CapDrop: ['ALL'], CapAdd: ['CHOWN'] }))['CapEff'], '0000000000000001');
    assert.equal((await status({ SecurityOpt: ['no-new-privileges'] }))['NoNewPrivs'], '1');
    assert.equal((await status({ SecurityOpt: ['seccomp=unconfined'] }))['Seccomp'], '0');
    const privileged = await status({ Privileged: true });
    assert.equal(privileged['Seccomp'], '0');
    assert.equal(privileged['CapEff'], /^CapPrm:\s+(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
    const profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 5 }],
    };
    const refusedMkdir = await rig.output(['mkdir', '/x'], {
      hostConfig: { ...none, SecurityOpt: [`seccomp=${JSON.stringify(profile)}`] },
    });
    assert.match(refusedMkdir.stderr, /Input\/output error/);
  });

  it('mounts what is asked for', async () => {
    const shared = join(rig.root, 'shared');
    const { stdout } = await rig.output(
      [
        'sh',
        '-c',
        'echo made > /rw/file; (echo x > /ro/file) 2>/dev/null || echo read-only; grep " /t " /proc/mounts | cut -d" " -f3,4; df -k /dev/shm 2>/dev/null; grep " /dev/shm " /proc/mounts; (echo > /x) 2>/dev/null || echo sealed; ls -d /made/here; pwd',
      ],
      {
        config: { WorkingDir: '/made/here' },
        hostConfig: {
          ...none,
          Binds: [`${shared}:/rw`, `${shared}:/ro:ro`],
          Tmpfs: { '/t': 'size=1m,exec' },
          ShmSize: 1 << 20,
          ReadonlyRootfs: true,
        },
      },
    );
    assert.match(stdout, /^read-only$/m);
    assert.match(stdout, /^tmpfs rw,nosuid,nodev,.*size=1024k/m);
    assert.match(stdout, /\/dev\/shm tmpfs .*size=1024k/);
    assert.match(stdout, /^sealed$/m);
    assert.match(stdout, /\/made\/here\n\/made\/here\n$/);
    assert.deepEqual(await readdir(shared), ['file']);
  });

  it('fills an anonymous volume from the image and binds it', async () => {
    const id = await rig.run(['sh', '-c', 'cat /data/a /data/sub/b; echo more > /data/new'], {
      config: { Volumes: { '/data': {} } },
    });
    await rig.containers.wait(id, 'not-running', never);
    assert.equal((await rig.logs(id)).stdout, 'hi\nhi\n');
    const [mount] = rig.containers.get(id).mounts;
    assert.equal(mount?.Type, 'volume');
    assert.deepEqual((await readdir(mount?.Source ?? '')).sort(), ['a', 'new', 'sub']);
    assert.deepEqual(await rig.containers.changes(id), []);
  });

  it('binds hostname, hosts and resolv.conf', async () => {
    const { stdout } = await rig.output(['sh', '-c', 'hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf'], {
      config: { Hostname: 'foo' },
      hostConfig: { ...none, ExtraHosts: ['a:1.2.3.4'], Dns: ['9.9.9.9'], DnsSearch: ['x.y'], DnsOptions: ['ndots:2'] },
    });
    assert.match(stdout, /^foo\nfoo\n127\.0\.0\.1\tlocalhost\n/);
    assert.match(stdout, /\n1\.2\.3\.4\ta\nsearch x\.y\nnameserver 9\.9\.9\.9\noptions ndots:2\n$/);
  });

  it('shares the network and processes of the host or of another container', async () => {
    const other = await rig.run(['sleep', '1000'], { name: 'other' });
    const ns = 'readlink /proc/self/ns/net; readlink /proc/self/ns/pid; readlink /proc/self/ns/uts';
    const mine = (await rig.exec(other, ['sh', '-c', ns])).stdout.split('\n');
    const joined = await rig.output(['sh', '-c', ns], {
      hostConfig: { NetworkMode: 'container:other', PidMode: 'container:other' },
    });
    const seen = joined.stdout.split('\n');
    assert.deepEqual([seen[0], seen[1]], [mine[0], mine[1]]);
    assert.notEqual(seen[2], mine[2]);
    await rig.containers.remove('other', { force: true, volumes: true });
    const onHost = await rig.output(['sh', '-c', 'sleep 1000 & hostname; test -d /proc/$PPID && echo yes'], {
      hostConfig: { NetworkMode: 'host', PidMode: 'host', UTSMode: 'host', IpcMode: 'host' },
    });
    assert.match(onHost.stdout, /yes/);
    // The sleeper was not init's child in a PID namespace: the engine ended it and took the cgroup away.
    assert.deepEqual(await cgroupsOf(rig.host, onHost.id), []);
    assert.throws(() => rig.containers.get('other'));
    const lonely = await rig.create(['true'], { hostConfig: { NetworkMode: 'container:ghost' } });
    await assert.rejects(rig.containers.start(lonely), (failure: unknown) => {
      assert.ok(isKind(failure, 'not-found'));
      assert.equal(failure.message, 'No such container: ghost');
      return true;
    });
  });

  it('says that the disk is full, and leaves nothing of a creation', async () => {
    const disk = join(rig.root, 'disk');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
    try {
      const { images, host, shims } = rig;
      const events = new EventHub(() => process.hrtime.bigint());
      const parts = { dataRoot: disk, execRoot: join(rig.root, 'exec-disk'), images, host, shims, events };
      const containers = await createContainers(parts);
      await writeFile(join(disk, 'filler'), Buffer.alloc(1 << 20)).catch(() => undefined);
      const options = { config: { Image: 'bb', Cmd: ['true'] }, hostConfig: none, name: 'full' };
      await assert.rejects(containers.create(options), (failure: unknown) => {
        assert.ok(isKind(failure, 'unavailable'), String(failure));
        assert.match(failure.message, /no space left/);
        return true;
      });
      assert.deepEqual(await readdir(join(disk, 'containers')), []);
      assert.deepEqual(containers.list(), []);
      await rm(join(disk, 'filler'));
      const { id } = await containers.create(options);
      await containers.remove(id, { force: true, volumes: true });
      await containers.shutdown();
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
