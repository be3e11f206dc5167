import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isKind } from '../../../src/base/errors.ts';
import { LocalHost, type LocalHostOptions } from '../../../src/extension/hosts/local.ts';
import { endAgentsBelow } from '../../support/detached-agents.ts';
import { makeFakeAgent } from './fake-agent-files.ts';
import { hostSuite } from './suite.ts';

const never = new AbortController().signal;

describe('local host', function () {
  this.timeout(20_000);
  let dir: string;
  let execRoot: string;

  before(async function () {
    if (process.getuid?.() !== 0) {
      console.log('skipped: starting an agent needs root');
      this.skip();
    }
    dir = await mkdtemp(path.join(os.tmpdir(), 'porthole-local-'));
    await makeFakeAgent(dir);
  });
  beforeEach(async () => {
    execRoot = await mkdtemp(path.join(dir, 'run-'));
  });
  afterEach(() => endAgentsBelow(execRoot));
  after(async () => {
    if (dir) await rm(dir, { recursive: true, force: true });
  });

  const make = (more: Partial<LocalHostOptions> = {}) =>
    new LocalHost({
      agent: path.join(dir, 'porthole-agent.cjs'),
      env: { ...process.env, DOCKER_HOST: `unix://${execRoot}/no-docker.sock`, PORTHOLE_EXEC_ROOT: execRoot },
      ...more,
    });
  const agentPid = async (host: LocalHost) => Number(Reflect.get(Object(await host.porthole('/pid')), 'pid'));

  hostSuite(async () => {
    const host = make();
    return {
      host,
      sabotage: async () => {
        process.kill(await agentPid(host), 'SIGKILL');
      },
    };
  });

  it('starts the agent once, finds it running afterwards, and leaves it running', async () => {
    const [first, second] = [make(), make()];
    await first.connect(never);
    await second.connect(never);
    const pid = await agentPid(first);
    assert.equal(await agentPid(second), pid);
    await first.disconnect();
    await second.disconnect();
    process.kill(pid, 0);
  });

  it('tells what the agent said when it does not start', async () => {
    const broken = make({ env: { ...process.env, PORTHOLE_EXEC_ROOT: execRoot, FAKE_AGENT_FAILS: '1' } });
    await assert.rejects(broken.connect(never), (error: Error) => {
      assert.ok(isKind(error, 'unavailable'));
      assert.match(error.message, /did not start on This machine: porthole-agent: the data root is broken/);
      return true;
    });
    assert.equal(broken.state.kind, 'disconnected');
  });
});
