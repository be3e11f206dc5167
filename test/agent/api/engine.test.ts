import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { makeStarterImage, starterImage } from '../../../scripts/starter-image.ts';
import type { ChangeDirectory, LayerChange, LayerEntry, LayerIndex, LayerView } from '../../../src/protocol/layers.ts';
import type { NamespaceDifference } from '../../../src/protocol/namespaces.ts';
import type { AgentInfo } from '../../../src/protocol/porthole.ts';
import type { PlanView, Trace } from '../../../src/protocol/trace.ts';
import type { CgroupReading } from '../../../src/protocol/usage.ts';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { requires } from '../../support/tools.ts';

describe('api: the real engine behind it', function () {
  this.timeout(60_000);
  let agent: RunningAgent;
  let docker: Docker;
  const image = `/porthole/v1/images/${starterImage}`;

  before(async function () {
    requires(this, { root: true });
    agent = await startAgent();
    docker = new Docker({ socketPath: agent.socket });
    const progress = await docker.loadImage(Readable.from([await makeStarterImage()]), {});
    const said = await text(progress);
    assert.match(said, /Loaded image: porthole\/starter:latest/);
  });
  after(() => agent?.stop());

  async function get<T>(path: string): Promise<T> {
    const { status, body } = await ask(agent.socket, 'GET', path);
    assert.equal(status, 200, `${path}: ${body}`);
    return JSON.parse(body);
  }

  it('tells about itself', async () => {
    const info = await get<AgentInfo>('/porthole/v1/info');
    assert.equal(info.pid, agent.pid);
    assert.equal(info.dataRoot, agent.dataRoot);
    assert.equal((await stat(agent.socket)).mode & 0o777, 0o600);
  });

  describe('an image', () => {
    it('has layers, each with an index and changes', async () => {
      const layers = await get<LayerView[]>(`${image}/layers`);
      assert.ok(layers.length >= 2);
      for (const { position, counts } of layers) {
        const index = await get<LayerIndex>(`${image}/layers/${position}/index`);
        assert.equal(index.entries.length, counts.entries);
      }
      const changes = await get<LayerChange[]>(`${image}/layers/1/changes`);
      assert.deepEqual(new Set(changes.map(({ kind }) => kind)), new Set(['added', 'modified', 'deleted']));
    });

    it('shows a file as each layer stores it', async () => {
      const changes = await get<LayerChange[]>(`${image}/layers/1/changes`);
      const modified = changes.find(({ kind, after }) => kind === 'modified' && after?.type === 'file');
      assert.ok(modified?.before && modified.after);
      const path = encodeURIComponent(modified.path);
      const below = await ask(agent.socket, 'GET', `${image}/merged/file?position=0&path=${path}`);
      const here = await ask(agent.socket, 'GET', `${image}/layers/1/file?path=${path}`);
      const top = await ask(agent.socket, 'GET', `${image}/merged/file?path=/${path}`);
      assert.deepEqual([below.status, here.status, top.status], [200, 200, 200]);
      assert.notEqual(below.body, here.body);
      assert.equal(below.body.length, modified.before.size);
      assert.equal(here.headers['etag'], `"${modified.after.digest}"`);
      const entry: unknown = JSON.parse(Buffer.from(String(here.headers['porthole-entry']), 'base64').toString());
      assert.deepEqual(entry, modified.after);
    });

    it('is compared with an image, all of it or by directory', async () => {
      const same = `left=${starterImage}&right=${starterImage}`;
      assert.deepEqual(await get<LayerChange[]>(`/porthole/v1/compare?${same}`), []);
      const { rows, more } = await get<ChangeDirectory>(`/porthole/v1/compare/directory?${same}`);
      assert.deepEqual([rows, more], [[], false]);
      for (const query of ['left=none:1&right=none:1', `left=${starterImage}`]) {
        const { status } = await ask(agent.socket, 'GET', `/porthole/v1/compare?${query}`);
        assert.equal(status, query.includes('right') ? 404 : 400, query);
      }
    });

    it('gives parts of a file', async () => {
      const { body: whole } = await ask(agent.socket, 'GET', `${image}/merged/file?path=etc/motd`);
      const part = async (range: string) => {
        const response = await fetchRange(agent.socket, `${image}/merged/file?path=etc/motd`, range);
        return [response.status, response.body, response.contentRange];
      };
      const size = Buffer.byteLength(whole);
      assert.deepEqual(await part('bytes=2-5'), [206, whole.slice(2, 6), `bytes 2-5/${size}`]);
      assert.deepEqual(await part('bytes=-3'), [206, whole.slice(-3), `bytes ${size - 3}-${size - 1}/${size}`]);
      const [status, , range] = await part(`bytes=${size}-`);
      assert.deepEqual([status, range], [416, `bytes */${size}`]);
    });

    it('is a tree, whole or by directory', async () => {
      const all = await get<LayerEntry[]>(`${image}/merged`);
      const etc = await get<LayerEntry[]>(`${image}/merged?path=/etc`);
      const root = await get<LayerEntry[]>(`${image}/merged?path=/`);
      assert.deepEqual(
        etc.map(({ path }) => path),
        all.map(({ path }) => path).filter((path) => /^etc\/[^/]+$/.test(path)),
      );
      assert.ok(root.some(({ path }) => path === 'etc'));
      assert.ok(!root.some(({ path }) => path.includes('/') || path === ''));
    });

    const failures: readonly [path: string, status: number, words: RegExp][] = [
      [`${image}/layers/99/index`, 404, /no layer 99/],
      [`${image}/layers/-1/index`, 400, /invalid layer position/],
      [`${image}/layers/0/file`, 400, /parameter path is missing/],
      [`${image}/layers/0/file?path=no/such`, 404, /no\/such/],
      [`${image}/merged/file?path=etc`, 400, /not a regular file/],
      [`${image}/merged?path=/no/such`, 404, /nothing is visible/],
      [`${image}/merged?path=/etc/motd`, 400, /not a directory/],
      [`${image}/merged/file?path=../../../../../etc/shadow`, 404, /etc\/shadow/],
      ['/porthole/v1/images/none/such:1/layers', 404, /No such image/],
      ['/porthole/v1/containers/none/plan', 404, /No such container: none/],
    ];
    for (const [path, status, words] of failures) {
      it(`refuses ${path.replace(image, '')}`, async () => {
        const answer = await ask(agent.socket, 'GET', path);
        assert.equal(answer.status, status);
        assert.match(JSON.parse(answer.body).message, words);
      });
    }
  });

  describe('a container', () => {
    let container: Docker.Container;
    before(async () => {
      container = await docker.createContainer({
        Image: starterImage,
        Cmd: ['sh', '-c', 'while :; do :; done'],
        HostConfig: { NetworkMode: 'none', Memory: 32 << 20, NanoCpus: 200_000_000, PidsLimit: 7 },
      });
      await container.start();
    });

    it('has a plan and a trace of the same steps', async () => {
      const plan = await get<PlanView>(`/porthole/v1/containers/${container.id}/plan`);
      const trace = await get<Trace>(`/porthole/v1/containers/${container.id}/trace`);
      assert.deepEqual(
        trace.steps.map(({ op }) => op),
        plan.steps.map(({ op }) => op),
      );
      const { State } = await container.inspect();
      assert.equal(trace.pid, State.Pid);
    });

    it('has namespaces of its own, as the kernel says', async () => {
      const { State } = await container.inspect();
      const namespaces = await get<NamespaceDifference[]>(`/porthole/v1/containers/${container.id}/namespaces`);
      const { readlink } = await import('node:fs/promises');
      for (const { kind, inode, host } of namespaces) {
        assert.equal(await readlink(`/proc/${State.Pid}/ns/${kind}`), `${kind}:[${inode}]`);
        assert.equal(host, (await readlink(`/proc/self/ns/${kind}`)) === `${kind}:[${inode}]`, kind);
      }
      assert.equal(namespaces.find(({ kind }) => kind === 'pid')?.host, false);
    });

    it('is measured: limits, and a fifth of a CPU', async () => {
      const reading = await get<CgroupReading>(`/porthole/v1/containers/${container.id}/cgroup`);
      assert.equal(reading.memory?.limit, 32 << 20);
      assert.equal(reading.cpu?.limit, 0.2);
      assert.equal(reading.pids?.limit, 7);
      const stats = await container.stats({ stream: false });
      const used = stats.cpu_stats.cpu_usage.total_usage - stats.precpu_stats.cpu_usage.total_usage;
      const possible = stats.cpu_stats.system_cpu_usage - stats.precpu_stats.system_cpu_usage;
      const share = (used / possible) * stats.cpu_stats.online_cpus;
      assert.ok(share > 0.05 && share < 0.3, `${share} CPUs`);
      assert.equal(stats.memory_stats.limit, 32 << 20);
      assert.ok((stats.memory_stats.usage ?? 0) > 0);
    });

    it('stats stream until the container is gone; one shot has no past', async () => {
      const once: unknown = JSON.parse(
        (await ask(agent.socket, 'GET', `/containers/${container.id}/stats?stream=0&one-shot=1`)).body,
      );
      assert.equal(Object(once).precpu_stats.cpu_usage.total_usage, 0);
      const other = await docker.createContainer({ Image: starterImage, HostConfig: { NetworkMode: 'none' } });
      const stream = await other.stats({ stream: true });
      const lines: string[] = [];
      for await (const chunk of stream) {
        lines.push(String(chunk));
        if (lines.length === 1) await other.remove({ force: true });
      }
      assert.ok(lines.length >= 1);
      // It does not run: its figures are empty, as dockerd's.
      assert.deepEqual(JSON.parse(lines[0] ?? '').memory_stats, {});
    });

    it('top: as the kernel has it', async () => {
      const { Titles, Processes } = await container.top();
      assert.deepEqual(Titles, ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']);
      const { State } = await container.inspect();
      assert.equal(Processes.length, 1);
      const [uid, pid, parent, , started, terminal, , command] = Processes[0] ?? [];
      assert.deepEqual([uid, pid, terminal, command], ['root', String(State.Pid), '?', 'sh -c while :; do :; done']);
      assert.match(await readFile(`/proc/${pid}/status`, 'utf8'), new RegExp(`^PPid:\\t${parent}$`, 'm'));
      assert.match(started ?? '', /^\d\d:\d\d$/);
      const other = await container.top({ ps_args: '-o pid,args' });
      assert.deepEqual(other.Titles, ['PID', 'COMMAND']);
    });

    it('lists with sizes: what it has written counts', async () => {
      const exec = await container.exec({ Cmd: ['sh', '-c', 'head -c 100000 /dev/zero >/grown'], AttachStdout: true });
      const stream = await exec.start({});
      await stream.resume().toArray();
      const sized = await docker.listContainers({ all: true, size: true });
      const listed: unknown = sized.find(({ Id }) => Id === container.id);
      assert.equal(Object(listed).SizeRw, 100_000);
      const changes = await container.changes();
      assert.ok(Array.isArray(changes) && changes.some(({ Path, Kind }) => Path === '/grown' && Kind === 1));
    });
  });
});

async function fetchRange(socket: string, path: string, range: string) {
  const { request } = await import('node:http');
  return new Promise<{ status: number; body: string; contentRange: string | undefined }>((resolve, reject) => {
    request({ socketPath: socket, path, headers: { Range: range } }, async (response) => {
      const body = Buffer.concat(await response.toArray()).toString();
      resolve({ status: response.statusCode ?? 0, body, contentRange: response.headers['content-range'] });
    })
      .once('error', reject)
      .end();
  });
}
