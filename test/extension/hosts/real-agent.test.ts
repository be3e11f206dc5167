import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type Dockerode from 'dockerode';
import { makeStarterImage, starterImage } from '../../../scripts/starter-image.ts';
import { isKind } from '../../../src/base/errors.ts';
import { readAgentFiles } from '../../../src/extension/hosts/agent-files.ts';
import { Forwards } from '../../../src/extension/hosts/forwards.ts';
import { SshHost, type SshHostOptions } from '../../../src/extension/hosts/ssh.ts';
import { Layers } from '../../../src/extension/layers/layers.ts';
import { HostModel } from '../../../src/extension/model/host-model.ts';
import { SshConnector } from '../../../src/extension/ssh/connector.ts';
import { imageRoute } from '../../../src/protocol/paths.ts';
import { endAgentsBelow } from '../../support/detached-agents.ts';
import { type Dockerd, startDockerd } from '../../support/dockerd.ts';
import { ScriptedUser } from '../../support/ssh-services.ts';
import { type Sshd, sshdMissing, startSshd } from '../../support/sshd.ts';
import { loadStarterImage } from '../../support/starter.ts';
import { which } from '../../support/tools.ts';

const never = new AbortController().signal;
const agentDir = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../dist/agent');
const unavailable = (error: unknown) => isKind(error, 'unavailable');

describe('the real agent over a real sshd', function () {
  this.timeout(60_000);
  let sshd: Sshd;
  let host: SshHost;
  let docker: Dockerode;
  let dockerd: Dockerd | undefined;

  const make = (more: Partial<SshHostOptions> = {}) =>
    new SshHost(
      { id: 'test', target: 'sshd', dataRoot: `${sshd.home}/data`, execRoot: `${sshd.home}/run`, ...more },
      {
        connector: new SshConnector(new ScriptedUser(), { configFile: sshd.configFile }),
        files: () => readAgentFiles(agentDir),
        node: { version: '0', fetch: () => Promise.reject(new Error('not needed')) },
      },
    );

  before(async function () {
    const missing =
      sshdMissing() ?? (existsSync(`${agentDir}/porthole-agent.cjs`) ? undefined : 'dist/agent is not built');
    if (missing) {
      console.log(`skipped: ${missing}`);
      this.skip();
    }
    sshd = await startSshd({
      config: ['MaxSessions 1', 'AllowTcpForwarding no', 'AllowStreamLocalForwarding no'],
      env: { PATH: `${path.dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin` },
    });
    host = make();
    await host.connect(never);
    docker = host.engine('porthole');
    await loadStarterImage(docker);
  });
  after(async () => {
    if (host?.state.kind === 'disconnected') await host.connect(never).catch(() => undefined);
    if (host?.state.kind === 'connected') {
      docker = host.engine('porthole');
      for (const { Id } of await docker.listContainers({ all: true }))
        await docker.getContainer(Id).remove({ force: true });
      await host.disconnect();
    }
    await sshd?.cut();
    if (sshd) await endAgentsBelow(sshd.home);
    await dockerd?.stop();
    await sshd?.stop();
  });

  const create = async (Cmd: string[], more: Dockerode.ContainerCreateOptions = {}) =>
    await docker.createContainer({ Image: starterImage, Cmd, HostConfig: { NetworkMode: 'none' }, ...more });
  const start = async (Cmd: string[], more: Dockerode.ContainerCreateOptions = {}) => {
    const container = await create(Cmd, more);
    await container.start();
    return container;
  };
  const outputs = async (stream: NodeJS.ReadWriteStream) => {
    const [out, err] = [new PassThrough(), new PassThrough()];
    docker.modem.demuxStream(stream, out, err);
    stream.once('end', () => {
      out.end();
      err.end();
    });
    return await Promise.all([text(out), text(err)]);
  };

  it('says who is there', () => {
    assert.ok(host.state.kind === 'connected');
    assert.match(host.state.version, /^\d+\.\d+/);
    assert.notEqual(host.state.kernel, '');
  });

  it('runs a program with input, output and exit code through attach', async () => {
    const container = await create(['sh', '-c', 'cat; echo oops >&2; exit 7'], {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      OpenStdin: true,
      StdinOnce: true,
    });
    const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
    const said = outputs(stream);
    const ended = container.wait({ condition: 'next-exit' });
    await container.start();
    // More than any window on the way.
    const much = 'x'.repeat(3_000_000);
    stream.write(much);
    stream.end();
    const [out, err] = await said;
    assert.equal(out.length, much.length);
    assert.deepEqual([err, (await ended).StatusCode], ['oops\n', 7]);
    await container.remove();
  });

  it('gives a terminal that resizes', async () => {
    const container = await start(['sleep', '1000']);
    const exec = await container.exec({
      Cmd: ['sh', '-c', 'read x; stty size; exit 5'],
      AttachStdin: true,
      AttachStdout: true,
      Tty: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true, Tty: true });
    await exec.resize({ h: 33, w: 101 });
    stream.write('go\n');
    assert.match(await text(stream), /33 101/);
    assert.equal((await exec.inspect()).ExitCode, 5);
    await container.remove({ force: true });
  });

  it('leads to a port of the host, whatever the server forbids, and tells of one where nothing listens', async () => {
    const server = createServer((request, response) => response.end(`heard ${request.url}`));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const forwards = new Forwards();
    try {
      const address = server.address();
      assert.ok(typeof address === 'object' && address !== null);
      const near = await forwards.to(host, address.port);
      assert.notEqual(near, address.port);
      assert.equal(await forwards.to(host, address.port), near, 'one of a kind');
      for (const path of ['/one', '/two']) {
        const answer = await fetch(`http://127.0.0.1:${near}${path}`, { headers: { connection: 'close' } });
        assert.equal(await answer.text(), `heard ${path}`);
      }
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      const socket = host.dialPort(address.port);
      const [failure] = await once(socket, 'error');
      assert.match(String(failure), /Nothing answers on port \d+ of .*ECONNREFUSED/);
      await assert.rejects(fetch(`http://127.0.0.1:${near}/three`));
    } finally {
      forwards.dispose();
      server.close();
    }
  });

  it('runs 50 requests and 20 streams side by side in one session', async () => {
    const container = await start(['sh', '-c', 'while :; do date; sleep 0.1; done']);
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => container.logs({ follow: true, stdout: true, stderr: true })),
    );
    const flowing = streams.map((stream) => new Promise((resolve) => stream.once('data', resolve)));
    const asked = performance.now();
    const lists = await Promise.all(Array.from({ length: 50 }, () => docker.listContainers()));
    // 0.1 s on an idle machine. It once took 20 s, when every request rendered all open streams for a debug log.
    assert.ok(performance.now() - asked < 5000, `${Math.round(performance.now() - asked)} ms`);
    assert.ok(lists.every((list) => list.length === 1));
    await Promise.all(flowing);
    for (const stream of streams) {
      assert.ok('destroy' in stream && typeof stream.destroy === 'function');
      stream.destroy();
    }
    await container.remove({ force: true });
  });

  it('shows an absent engine as absent, and a real dockerd beside ours', async function () {
    await assert.rejects(
      async () => new SshHost({ id: 'x', target: 'sshd' }, unusable).engine('docker').info(),
      unavailable,
    );
    if (!which('dockerd')) {
      console.log('skipped: dockerd is not installed');
      this.skip();
    }
    dockerd = await startDockerd();
    const other = make({ sockets: { docker: dockerd.socket, podman: '/nowhere' } });
    await other.connect(never);
    assert.match((await other.engine('docker').version()).Version, /^\d+\./);
    await assert.rejects(other.engine('podman').version(), /Podman does not answer on .*: connect ENOENT \/nowhere/);
    const model = new HostModel(other);
    try {
      await new Promise<void>((resolve) => {
        const check = () => {
          if (model.engines.length === 2) resolve();
        };
        model.onDidChange(check);
        check();
      });
      assert.deepEqual(
        model.engines.map((view) => view.engine),
        ['porthole', 'docker'],
      );
    } finally {
      model.dispose();
      await other.disconnect();
    }
  });

  it('knows what is in the layers of a real dockerd’s images', async function () {
    this.timeout(120_000);
    if (!which('dockerd')) {
      console.log('skipped: dockerd is not installed');
      this.skip();
    }
    dockerd ??= await startDockerd();
    const places = { dataRoot: `${sshd.home}/data-beside`, execRoot: `${sshd.home}/run-beside` };
    const other = make({ ...places, sockets: { docker: dockerd.socket, podman: '/nowhere' } });
    await other.connect(never);
    try {
      const theirs = other.engine('docker');
      await text(await theirs.loadImage(Readable.from([await makeStarterImage()]), {}));
      const { Id } = await theirs.getImage(starterImage).inspect();
      const image = { host: other.id, engine: 'docker' as const, id: Id };
      const layers = new Layers({
        hosts: [{ host: other, kind: 'ssh', engines: [] }],
        onDidChange: () => ({ dispose: () => undefined }),
        watchUsage: () => ({ dispose: () => undefined }),
        refresh: async () => undefined,
      });
      const top = (await layers.of(image)).length - 1;
      const [shell] = await layers.versions(image, 'bin/busybox');
      assert.deepEqual([shell?.kind, shell?.after?.type], ['added', 'file']);
      const names = (await layers.merged(image, { path: '' })).map(({ path: name }) => name);
      assert.ok(names.includes('bin') && names.includes('etc'), names.join());
      const route = `${imageRoute(image)}/merged/file?path=bin/busybox&position=${top}`;
      const bytes = await other.portholeBytes(route, { limit: 50 << 20 });
      assert.equal(bytes.length, shell?.after?.size);
    } finally {
      await other.disconnect();
    }
  });

  it('loses no container when the connection is cut, and connects again without copying', async () => {
    const container = await start(['sleep', '1000']);
    const pid = (await container.inspect()).State.Pid;
    const gone = new Promise<void>((resolve) => {
      host.onDidChange((state) => {
        if (state.kind === 'disconnected') resolve();
      });
    });
    const logs = text(await container.logs({ follow: true, stdout: true }));
    const waiting = container.wait();
    const failures = Promise.allSettled([logs, waiting]);
    await sshd.cut();
    await gone;
    for (const outcome of await failures) assert.equal(outcome.status, 'rejected');
    assert.throws(() => host.engine('porthole'), unavailable);

    const steps: string[] = [];
    await host.connect(never, (step) => steps.push(String(step)));
    assert.ok(!steps.some((step) => step.startsWith('Copying')), steps.join('; '));
    assert.equal((await container.inspect()).State.Pid, pid);
    await container.remove({ force: true });
  });

  it('leaves no bridge behind', async () => {
    const other = make();
    await other.connect(never);
    const bridges = async () => {
      const found: number[] = [];
      for (const name of await readdir('/proc')) {
        if (!/^\d+$/.test(name)) continue;
        const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
        if (line.includes(sshd.home) && line.includes('\0connect\0')) found.push(Number(name));
      }
      return found;
    };
    assert.equal((await bridges()).length, 2);
    await other.disconnect();
    while ((await bridges()).length > 1) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});

const unusable = {
  connector: new SshConnector(new ScriptedUser()),
  files: () => Promise.reject(new Error('not needed')),
  node: { version: '0', fetch: () => Promise.reject(new Error('not needed')) },
};
