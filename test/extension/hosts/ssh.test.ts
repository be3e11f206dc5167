import assert from 'node:assert/strict';
import { appendFile, chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isKind } from '../../../src/base/errors.ts';
import { type AgentFile, readAgentFiles } from '../../../src/extension/hosts/agent-files.ts';
import type { NodeRuntimeSource } from '../../../src/extension/hosts/node-runtime.ts';
import { SshHost } from '../../../src/extension/hosts/ssh.ts';
import { SshConnector } from '../../../src/extension/ssh/connector.ts';
import { endAgentsBelow } from '../../support/detached-agents.ts';
import { ScriptedUser } from '../../support/ssh-services.ts';
import { type Sshd, sshdMissing, startSshd } from '../../support/sshd.ts';
import { makeFakeAgent } from './fake-agent-files.ts';
import { hostSuite } from './suite.ts';

const never = new AbortController().signal;

/** A server that allows the least: one session at a time and no forwarding of any kind. */
const STRICT = ['MaxSessions 1', 'AllowTcpForwarding no', 'AllowStreamLocalForwarding no', 'AllowAgentForwarding no'];

describe('SSH host', function () {
  this.timeout(30_000);
  let dir: string;
  let sshd: Sshd;
  let user: ScriptedUser;
  let nodeAsked: number;
  let started: SshHost[];

  before(async function () {
    const missing = sshdMissing();
    if (missing) {
      console.log(`skipped: ${missing}`);
      this.skip();
    }
    dir = await mkdtemp(path.join(os.tmpdir(), 'porthole-ssh-host-'));
    await makeFakeAgent(dir);
  });
  after(async () => {
    if (dir) await rm(dir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    nodeAsked = 0;
    started = [];
    user = new ScriptedUser();
    // The directory of Node itself: sshd's own PATH need not have it.
    sshd = await startSshd({ config: STRICT, env: { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin` } });
  });
  afterEach(async () => {
    for (const host of started) await host.disconnect();
    // What a canceled attempt had begun there may still be on its way to start an agent.
    await sshd.cut();
    await endAgentsBelow(sshd.home);
    await sshd.stop();
  });

  const noNode: NodeRuntimeSource = {
    version: '0.0.0',
    fetch: () => {
      nodeAsked++;
      return Promise.reject(new Error('there is no network'));
    },
  };
  const make = (more: { files?: string; node?: NodeRuntimeSource } = {}) => {
    const host = new SshHost(
      { id: 'test', target: 'sshd', execRoot: `${sshd.home}/run` },
      {
        connector: new SshConnector(user, { configFile: sshd.configFile }),
        files: () => readAgentFiles(more.files ?? dir),
        node: more.node ?? noNode,
      },
    );
    started.push(host);
    return host;
  };
  const agentPid = async (host: SshHost) => Number(Reflect.get(Object(await host.porthole('/pid')), 'pid'));
  const uploads = async () => {
    const found: string[] = [];
    for (const kind of await readdir(`${sshd.home}/.porthole`)) {
      for (const digest of await readdir(`${sshd.home}/.porthole/${kind}`)) {
        for (const name of await readdir(`${sshd.home}/.porthole/${kind}/${digest}`))
          found.push(`${kind}/${digest}/${name}`);
      }
    }
    return found.sort();
  };

  hostSuite(async () => ({
    host: make(),
    sabotage: async () => {
      assert.ok((await sshd.cut()) > 0);
    },
  }));

  it('brings the agent once, and again when it is another', async () => {
    const host = make();
    const steps: string[] = [];
    await host.connect(never, (step) => steps.push(String(step)));
    const { digest } = await readAgentFiles(dir);
    const first = await uploads();
    assert.deepEqual(first, [`agents/${digest}/porthole-agent.cjs`, `agents/${digest}/shim-linux-${process.arch}`]);
    assert.ok(
      steps.some((step) => /^Copying the agent to sshd .*\(100 %\)$/.test(step)),
      steps.join('; '),
    );
    const file = `${sshd.home}/.porthole/${first[0]}`;
    assert.deepEqual(await readFile(file), await readFile(path.join(dir, 'porthole-agent.cjs')));
    assert.equal((await stat(file)).mode & 0o777, 0o700);
    assert.equal((await stat(`${sshd.home}/.porthole`)).mode & 0o777, 0o700);
    const pid = await agentPid(host);

    await host.disconnect();
    const { mtimeMs, ino } = await stat(file);
    const again: string[] = [];
    await host.connect(never, (step) => again.push(String(step)));
    assert.ok(!again.some((step) => step.startsWith('Copying')), again.join('; '));
    assert.deepEqual([(await stat(file)).mtimeMs, (await stat(file)).ino], [mtimeMs, ino]);
    assert.equal(await agentPid(host), pid, 'the agent stayed');
    assert.equal(nodeAsked, 0);

    const newer = await mkdtemp(path.join(dir, 'newer-'));
    await makeFakeAgent(newer, 'newer');
    const other = make({ files: newer });
    await other.connect(never);
    assert.equal((await uploads()).length, 4);
    await other.disconnect();
  });

  it('neither runs nor writes what is in a directory of another user', async function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: needs root to give a directory away');
      this.skip();
    }
    const { digest } = await readAgentFiles(dir);
    await make().connect(never);
    await chown(`${sshd.home}/.porthole`, 65534, 65534);
    await assert.rejects(make().connect(never), /\.porthole belongs to another user/);
    assert.deepEqual(
      (await readdir(`${sshd.home}/.porthole/agents/${digest}`)).filter((name) => name.startsWith('.part-')),
      [],
    );
  });

  it('copies anew what is there only in part', async () => {
    const { digest } = await readAgentFiles(dir);
    await mkdir(`${sshd.home}/.porthole/agents/${digest}`, { recursive: true });
    await writeFile(`${sshd.home}/.porthole/agents/${digest}/porthole-agent.cjs`, 'half');
    await make().connect(never);
    assert.equal((await uploads()).length, 2);
  });

  it('brings Node where there is none that is new enough', async () => {
    await sshd.stop();
    const old = path.join(await mkdtemp(path.join(dir, 'old-')), 'node');
    await writeFile(old, '#!/bin/sh\necho 18.20.0\n');
    await chmod(old, 0o755);
    sshd = await startSshd({ config: STRICT, env: { PATH: `${path.dirname(old)}:/usr/bin:/bin` } });
    await assert.rejects(
      make().connect(never),
      /has no Node 20 or newer, and it cannot be brought there: there is no network/,
    );

    let fetched = 0;
    const node: NodeRuntimeSource = {
      version: '99.0.0',
      fetch: async (cpu): Promise<AgentFile> => {
        assert.equal(cpu, process.arch);
        fetched++;
        const folder = await mkdtemp(path.join(dir, 'node-'));
        // Not a whole Node, which is 100 MB: a program of a few bytes that does what Node would.
        await writeFile(path.join(folder, 'porthole-agent.cjs'), `#!/bin/sh\nexec ${process.execPath} "$@"\n`);
        return { ...(await readAgentFiles(folder)).agent, name: 'node' };
      },
    };
    const host = make({ node });
    await host.connect(never);
    assert.deepEqual(
      (await uploads()).filter((file) => file.startsWith('node/')),
      ['node/99.0.0/node'],
    );
    await host.disconnect();
    await host.connect(never);
    assert.equal(fetched, 1);
  });

  it('works on a host without gzip, sha256sum and sftp', async () => {
    await sshd.stop();
    const bin = await mkdtemp(path.join(dir, 'bin-'));
    const { symlink } = await import('node:fs/promises');
    for (const tool of ['sh', 'cat', 'uname', 'id', 'wc', 'mkdir', 'chmod', 'mv', 'rm', 'sync']) {
      await symlink(`/bin/${tool}`, path.join(bin, tool)).catch(() => undefined);
    }
    await symlink(process.execPath, path.join(bin, 'node'));
    sshd = await startSshd({ config: STRICT, env: { PATH: bin } });
    const host = make();
    await host.connect(never);
    assert.equal((await uploads()).length, 2);
  });

  it('is not disturbed by a login shell that talks', async () => {
    await writeFile(`${sshd.home}/.bashrc`, 'echo "Welcome to this host!"\n');
    const host = make();
    await host.connect(never);
    assert.equal(host.state.kind, 'connected');
  });

  it('leaves nothing half-copied when the disk is full', async () => {
    const { digest } = await readAgentFiles(dir);
    const target = `${sshd.home}/.porthole/agents/${digest}`;
    await mkdir(target, { recursive: true });
    const { execFileSync } = await import('node:child_process');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', target]);
    try {
      await assert.rejects(make().connect(never), (error: Error) => {
        assert.ok(isKind(error, 'unavailable'));
        assert.match(error.message, /porthole-agent\.cjs could not be copied to sshd .*(No space left|bytes arrived)/);
        return true;
      });
      assert.deepEqual(
        (await readdir(target)).filter((name) => name.startsWith('.part-')),
        [],
      );
    } finally {
      execFileSync('umount', [target]);
    }
  });

  it('tells what the agent said when it does not start', async () => {
    const broken = await mkdtemp(path.join(dir, 'broken-'));
    await makeFakeAgent(broken);
    await writeFile(
      path.join(broken, 'porthole-agent.cjs'),
      'console.error("the data root is broken"); process.exit(3);',
    );
    await assert.rejects(
      make({ files: broken }).connect(never),
      /The agent did not start on sshd .*: the data root is broken/,
    );
  });

  it('can be canceled while it copies', async () => {
    const stop = new AbortController();
    const host = make();
    const attempt = host.connect(stop.signal, (step) => {
      if (String(step).startsWith('Copying')) stop.abort();
    });
    await assert.rejects(attempt, (error) => isKind(error, 'canceled'));
    assert.deepEqual(host.state, { kind: 'disconnected' });
    await host.connect(never);
  });

  it('refuses a host whose key has changed', async () => {
    await sshd.rekey();
    const host = make();
    await assert.rejects(host.connect(never), /The host key of .* has CHANGED/);
    assert.ok(host.state.kind === 'disconnected' && isKind(host.state.error, 'forbidden'));
    await assert.rejects(readdir(`${sshd.home}/.porthole`), { code: 'ENOENT' });
  });

  it('goes through a jump host', async () => {
    const jump = await startSshd();
    try {
      const config = (await readFile(jump.configFile, 'utf8')).replace('Host sshd', 'Host jump');
      await appendFile(sshd.configFile, `  ProxyJump jump\n${config}`);
      const host = make();
      await host.connect(never);
      assert.equal((await host.engine('porthole').listContainers())[0]?.Id, 'c1');
      await host.disconnect();
    } finally {
      await jump.stop();
    }
  });
});
