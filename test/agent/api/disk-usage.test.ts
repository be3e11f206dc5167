import assert from 'node:assert/strict';
import Docker from 'dockerode';
import { starterImage } from '../../../scripts/starter-image.ts';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { loadStarterImage } from '../../support/starter.ts';
import { requires } from '../../support/tools.ts';

interface Usage {
  readonly LayersSize: number;
  readonly Images: readonly { Id: string; Size: number; SharedSize: number; Containers: number }[] | null;
  readonly Containers: readonly { Id: string; SizeRw?: number; SizeRootFs: number }[] | null;
  readonly Volumes: readonly { Name: string; UsageData: { Size: number; RefCount: number } }[] | null;
  readonly BuildCache: readonly object[] | null;
}

describe('api: what everything takes on the disk', function () {
  this.timeout(60_000);
  let agent: RunningAgent;
  let docker: Docker;
  before(async function () {
    requires(this, { root: true });
    agent = await startAgent();
    docker = new Docker({ socketPath: agent.socket });
    await loadStarterImage(docker);
  });
  after(() => agent?.stop());

  async function usage(query = ''): Promise<Usage> {
    const { status, body } = await ask(agent.socket, 'GET', `/system/df${query}`);
    assert.equal(status, 200, body);
    return JSON.parse(body);
  }

  it('an image that another one is made from shares its layers with it', async () => {
    const alone = await usage();
    const [starter] = alone.Images ?? [];
    assert.deepEqual([starter?.SharedSize, starter?.Containers], [0, 0]);
    assert.equal(alone.LayersSize, starter?.Size);
    const made = await docker.createContainer({
      Image: starterImage,
      Cmd: ['sh', '-c', 'head -c 50000 /dev/zero >/grown; head -c 3000 /dev/zero >/data/kept'],
      HostConfig: { NetworkMode: 'none', Binds: ['df-volume:/data'] },
    });
    await made.start();
    await made.wait();
    await made.commit({ repo: 'grown' });

    const both = await usage();
    const grown = both.Images?.find(({ Id }) => Id !== starter?.Id);
    const base = both.Images?.find(({ Id }) => Id === starter?.Id);
    assert.deepEqual([base?.SharedSize, grown?.SharedSize, base?.Containers], [base?.Size, base?.Size, 1]);
    assert.equal(both.LayersSize, grown?.Size, 'what is shared counts once');
    const [container] = both.Containers ?? [];
    assert.equal(container?.Id, made.id);
    assert.equal(container.SizeRw, 50_000, 'what is in the volume is not its own');
    assert.equal(container.SizeRootFs, 50_000 + (base?.Size ?? 0));
    const [volume] = both.Volumes ?? [];
    assert.deepEqual([volume?.Name, volume?.UsageData.Size, volume?.UsageData.RefCount], ['df-volume', 3000, 1]);
    await made.remove();
  });

  it('since 1.42 only of the kinds that are asked for; the others are null', async () => {
    const parts = ['Images', 'Containers', 'Volumes', 'BuildCache'] as const;
    const told = (found: Usage): string[] => parts.filter((part) => found[part] !== null);
    assert.deepEqual(told(await usage('?type=image')), ['Images']);
    assert.deepEqual(told(await usage('?type=container&type=volume')), ['Containers', 'Volumes']);
    assert.deepEqual(told(await usage('?type=build-cache')), ['BuildCache']);
    assert.equal((await usage('?type=volume')).LayersSize, 0);
    const old = await ask(agent.socket, 'GET', '/v1.41/system/df?type=image');
    assert.deepEqual(told(JSON.parse(old.body)), parts);
    const bad = await ask(agent.socket, 'GET', '/system/df?type=planet');
    assert.deepEqual([bad.status, JSON.parse(bad.body).message], [400, 'unknown object type: planet']);
  });
});
