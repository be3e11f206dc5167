import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { dockerApi } from '../../src/protocol/version.ts';
import { type RunningAgent, startAgent } from '../support/agent.ts';
import { type Dockerd, startDockerd } from '../support/dockerd.ts';
import { requires } from '../support/tools.ts';
import { busyboxTar, docker } from './engine.ts';
import { image } from './scenario.ts';
import { Client, type VersionChange } from './versions/change.ts';
import { laterChanges } from './versions/later.ts';
import { changesOf42 } from './versions/v42.ts';

const exec = promisify(execFile);
const newest = Number(dockerApi.newest.split('.')[1]);
const oldest = Number(dockerApi.oldest.split('.')[1]);
const changes = [...changesOf42, ...laterChanges];

/** Docker's API version history since 1.42: what a client of the version before sees, of that version, and of the newest. */
describe('versions of the API', function () {
  this.timeout(120_000);
  let agent: RunningAgent;
  let dockerd: Dockerd;

  before(async function () {
    requires(this, { root: true, programs: ['docker', 'dockerd', 'busybox'] });
    [agent, dockerd] = await Promise.all([startAgent(), startDockerd()]);
    const tar = await busyboxTar();
    for (const { socket } of [agent, dockerd]) {
      const host = `unix://${socket}`;
      const { code, stderr } = await docker({ name: 'porthole', host }, ['import', '-', image], { input: tar });
      assert.equal(code, 0, stderr);
    }
  });
  after(() => Promise.all([agent?.stop(), dockerd?.stop()]));

  const seen = async (change: Extract<VersionChange, { see: unknown }>, client: Client): Promise<unknown> => {
    try {
      return await change.see(client);
    } finally {
      await client.cleanUp();
    }
  };

  for (const change of changes) {
    if ('absent' in change) continue;
    it(`1.${change.since}: ${change.change}`, async () => {
      const [before, after] = 'always' in change ? [change.always, change.always] : [change.before, change.after];
      const ours = (minor: number) => seen(change, new Client(agent.socket, minor));
      assert.deepEqual(await ours(change.since - 1), before, `with 1.${change.since - 1}`);
      for (const minor of new Set([change.since, newest]))
        assert.deepEqual(await ours(minor), after, `with 1.${minor}`);
      if (change.notIn41 !== undefined) return;
      assert.deepEqual(await seen(change, new Client(dockerd.socket, 41)), before, 'dockerd with 1.41');
    });
  }

  it('has a reason for each change that means nothing here', () => {
    const absent = changes.flatMap((change) => ('absent' in change ? [change] : []));
    assert.ok(absent.length > 0 && absent.every(({ absent: reason }) => reason.length > 10));
    for (let minor = 42; minor <= newest; minor++) {
      assert.ok(
        changes.some(({ since }) => since === minor),
        `nothing of 1.${minor}`,
      );
    }
  });

  it('is agreed on with the docker command, which can speak newer ones', async () => {
    const format =
      '{{.Client.APIVersion}} {{.Client.DefaultAPIVersion}} {{.Server.APIVersion}} {{.Server.MinAPIVersion}}';
    const env = { ...process.env, DOCKER_API_VERSION: undefined };
    const { stdout } = await exec('docker', ['-H', `unix://${agent.socket}`, 'version', '--format', format], { env });
    const [used = '', own = '', server, least] = stdout.trim().split(' ');
    assert.deepEqual([server, least], [dockerApi.newest, dockerApi.oldest]);
    const [ownMinor = 0, usedMinor] = [own, used].map((version) => Number(version.split('.')[1]));
    assert.equal(usedMinor, Math.min(ownMinor, newest));
  });

  it('is the newest where a path names none, and refused by name beyond what is served', async () => {
    const of = (minor: number) => new Client(agent.socket, minor);
    assert.equal((await of(oldest).ask('GET', '/_ping')).status, 200);
    const [old, fresh] = [await of(oldest - 1).ask('GET', '/_ping'), await of(newest + 1).ask('GET', '/_ping')];
    assert.deepEqual([old.status, fresh.status], [400, 400]);
    assert.match(old.body, new RegExp(`version 1\\.${oldest - 1} is too old`));
    assert.match(fresh.body, new RegExp(`version 1\\.${newest + 1} is too new`));
    assert.equal((await of(newest).ask('GET', '/_ping')).headers['api-version'], dockerApi.newest);
  });
});
