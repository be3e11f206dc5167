import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open, readlink } from 'node:fs/promises';
import Docker from 'dockerode';
import { starterImage } from '../../../scripts/starter-image.ts';
import { containerOf } from '../../../src/agent/inspect/container-of.ts';
import { surveyProcesses } from '../../../src/agent/sys/process-survey.ts';
import type {
  NamespaceDifference,
  NamespaceEntry,
  NamespaceSurvey,
  ProcessView,
} from '../../../src/protocol/namespaces.ts';
import type { NamespaceKind } from '../../../src/protocol/usage.ts';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { loadStarterImage } from '../../support/starter.ts';
import { requires } from '../../support/tools.ts';

describe('inspect: what processes are called', function () {
  this.timeout(60_000);

  it('is found at once, however many words without a letter one has', async () => {
    // Who wrote them may be in a container, and everybody would wait.
    const child = spawn('sh', ['-c', 'read -r _', 'named', ...Array<string>(150_000).fill(''), 'last']);
    try {
      await once(child, 'spawn');
      const found = await surveyProcesses({ descriptors: false });
      assert.match(found.find(({ pid }) => pid === child.pid)?.command ?? '', /^sh -c read -r _ named /);
    } finally {
      child.stdin.end();
      await once(child, 'exit');
    }
  });
});

describe('inspect: a process’s container, by its cgroup', () => {
  const id = 'ab'.repeat(32);
  const cases: readonly [path: string, engine: string | undefined][] = [
    [`/docker/${id}`, 'docker'],
    [`/system.slice/docker-${id}.scope`, 'docker'],
    [`/system.slice/docker-${id}.scope/init`, 'docker'],
    [`/machine.slice/libpod-${id}.scope/container`, 'podman'],
    [`/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope`, 'podman'],
    [`/kubepods.slice/kubepods-pod1.slice/cri-containerd-${id}.scope`, 'containerd'],
    [`/some-parent/${id}`, 'other'],
    [`/${id}0`, undefined],
    ['/user.slice/session-1.scope', undefined],
  ];
  for (const [path, engine] of cases) {
    it(`${path.replace(id, 'ID')}: ${engine ?? 'none'}`, () => {
      assert.equal(containerOf(new Map([['memory', path]]), new Map())?.engine, engine);
      const own = containerOf(new Map([['', path]]), new Map([[id, 'web']]));
      assert.deepEqual(own, engine && { engine: 'porthole', id, name: 'web' });
    });
  }
});

describe('inspect: namespaces under the lens', function () {
  this.timeout(60_000);
  let agent: RunningAgent;
  let docker: Docker;

  before(async function () {
    requires(this, { root: true, programs: ['ip'] });
    agent = await startAgent();
    docker = new Docker({ socketPath: agent.socket });
    await loadStarterImage(docker);
  });
  after(() => agent?.stop());

  async function get<T>(path: string): Promise<T> {
    const { status, body } = await ask(agent.socket, 'GET', path);
    assert.equal(status, 200, `${path}: ${body}`);
    return JSON.parse(body);
  }
  const inodeOf = async (path: string): Promise<number> => Number(/\[(\d+)\]/.exec(await readlink(path))?.[1]);
  async function entry(kind: NamespaceKind, inode: number): Promise<NamespaceEntry> {
    const { namespaces } = await get<NamespaceSurvey>(`/porthole/v1/namespaces?kind=${kind}&inode=${inode}`);
    const [found] = namespaces;
    assert.ok(found && namespaces.length === 1, `${kind} ${inode}`);
    return found;
  }

  it('the host’s: all kinds, with the agent in them', async () => {
    const { namespaces } = await get<NamespaceSurvey>('/porthole/v1/namespaces');
    for (const { kind, inode, host, members } of namespaces.filter((one) => one.host)) {
      assert.equal(inode, await inodeOf(`/proc/self/ns/${kind}`));
      assert.ok(members.some(({ pid }) => pid === agent.pid) && host, kind);
    }
    assert.deepEqual(
      namespaces.filter(({ host }) => host).map(({ kind }) => kind),
      ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'user', 'time'],
    );
  });

  it('one that only a mount keeps', async () => {
    const name = `porthole-test-${process.pid}`;
    execFileSync('ip', ['netns', 'add', name]);
    try {
      const { namespaces } = await get<NamespaceSurvey>('/porthole/v1/namespaces?kind=net');
      const path = /^(\/run|\/var\/run)\/netns\//;
      const kept = namespaces.find(({ keptBy }) => keptBy.some((one) => one.by === 'mount' && one.path.endsWith(name)));
      assert.ok(kept);
      assert.deepEqual([kept.members, kept.host, kept.oldest], [[], false, undefined]);
      assert.ok(kept.keptBy.some((one) => one.by === 'mount' && path.test(one.path)));
      assert.deepEqual(kept.owner, { userNamespace: await inodeOf('/proc/self/ns/user'), uid: 0 });
    } finally {
      execFileSync('ip', ['netns', 'delete', name]);
    }
  });

  describe('of another user', () => {
    let child: ChildProcess;
    let pid: number;
    before(async () => {
      const made = ['--user', '--map-root-user', '--pid', '--net', '--fork', '--kill-child', 'sh', '-c'];
      const told = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'unshare', ...made];
      child = spawn(told[0] ?? '', [...told.slice(1), 'echo up; read line'], { stdio: ['pipe', 'pipe', 'inherit'] });
      assert.ok(child.stdout);
      await once(child.stdout, 'data');
      const all = await get<ProcessView[]>('/porthole/v1/processes');
      const inside = all.find(({ parent }) => parent === child.pid);
      assert.ok(inside);
      pid = inside.pid;
      assert.deepEqual([inside.uid, inside.pids, inside.command], [65534, [pid, 1], 'sh -c echo up; read line']);
    });
    after(async () => {
      const ended = once(child, 'close');
      child.stdin?.end();
      await ended;
    });

    it('its user namespace belongs to that user and came from the host’s', async () => {
      const user = await entry('user', await inodeOf(`/proc/${pid}/ns/user`));
      const host = await inodeOf('/proc/self/ns/user');
      assert.deepEqual([user.owner, user.parent], [{ userNamespace: host, uid: 65534 }, host]);
      // unshare itself, and the shell below it.
      assert.deepEqual(user.members.map((one) => one.pid).sort(), [child.pid, pid].sort());
      assert.equal(user.oldest?.pid, child.pid);
    });

    it('its other namespaces belong to its user namespace, which they keep alive', async () => {
      const user = await inodeOf(`/proc/${pid}/ns/user`);
      const inner = await entry('pid', await inodeOf(`/proc/${pid}/ns/pid`));
      assert.deepEqual(
        [inner.owner, inner.parent],
        [{ userNamespace: user, uid: 65534 }, await inodeOf('/proc/self/ns/pid')],
      );
      assert.deepEqual(
        inner.members.map((one) => one.pid),
        [pid],
      );
      const { keptBy } = await entry('user', user);
      assert.ok(keptBy.some((one) => one.by === 'namespace' && one.kind === 'pid' && one.inode === inner.inode));
    });
  });

  it('one that only an open file keeps', async () => {
    const child = spawn('unshare', ['--uts', 'sh', '-c', 'echo up; read line'], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const ended = once(child, 'close');
    let held: FileHandle | undefined;
    try {
      held = await open(`/proc/${child.pid}/ns/uts`);
      const inode = await inodeOf(`/proc/${child.pid}/ns/uts`);
      child.stdin.end();
      await ended;
      const { members, keptBy } = await entry('uts', inode);
      assert.deepEqual(members, []);
      assert.deepEqual(
        keptBy.map((one) => one.by === 'descriptor' && [one.process.pid, one.fd]),
        [[process.pid, held.fd]],
      );
    } finally {
      child.stdin.end();
      await ended;
      await held?.close();
    }
  });

  it('containers: own, the host’s, and shared with another one', async () => {
    const run = async (name: string, HostConfig: Docker.HostConfig) => {
      const made = await docker.createContainer({ name, Image: starterImage, Cmd: ['sleep', '1000'], HostConfig });
      await made.start();
      return made;
    };
    const first = await run('lens-first', { NetworkMode: 'none' });
    const second = await run('lens-second', { NetworkMode: 'container:lens-first', UTSMode: 'host' });
    const found = await get<NamespaceDifference[]>('/porthole/v1/containers/lens-second/namespaces');
    const words = Object.fromEntries(found.map((one) => [one.kind, one.words]));
    assert.deepEqual(words, {
      mnt: 'its own',
      pid: 'its own',
      net: 'shared with container lens-first',
      ipc: 'its own',
      uts: 'shared with the host',
      cgroup: 'shared with the host',
      user: 'shared with the host',
      time: 'shared with the host',
    });
    const net = found.find(({ kind }) => kind === 'net');
    assert.equal(net?.standing, 'shared');
    assert.deepEqual(net.sharedWith, [{ engine: 'porthole', id: first.id, name: 'lens-first' }]);
    const { containers, members, oldest } = await entry('net', net.inode);
    assert.deepEqual(containers.map(({ id }) => id).sort(), [first.id, second.id].sort());
    assert.deepEqual(
      members.map(({ command, container }) => [command, container?.engine]),
      [
        ['sleep 1000', 'porthole'],
        ['sleep 1000', 'porthole'],
      ],
    );
    assert.equal(oldest?.container?.name, 'lens-first');
    await Promise.all([first, second].map((one) => one.remove({ force: true })));
    assert.equal((await ask(agent.socket, 'GET', '/porthole/v1/containers/lens-second/namespaces')).status, 404);
  });

  it('says no to kinds that there are not, and to a container that does not run', async () => {
    assert.equal((await ask(agent.socket, 'GET', '/porthole/v1/namespaces?kind=disk')).status, 400);
    const made = await docker.createContainer({ Image: starterImage });
    const answer = await ask(agent.socket, 'GET', `/porthole/v1/containers/${made.id}/namespaces`);
    assert.deepEqual([answer.status, JSON.parse(answer.body).message], [409, `Container ${made.id} is not running`]);
    await made.remove();
  });

  it('without rights, processes of others are there and their namespaces are not', async () => {
    process.seteuid?.(65534);
    try {
      const found = await surveyProcesses({ descriptors: true });
      const ours = found.find(({ pid }) => pid === agent.pid);
      assert.ok(ours && ours.namespaces === undefined && ours.command.includes('agent'));
    } finally {
      process.seteuid?.(0);
    }
  });
});
