import assert from 'node:assert/strict';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { type RunningRegistry, startRegistry } from '../../support/registry.ts';
import { ChaosProxy, isBlobUrl } from './proxy.ts';
import { bytesArrived, loadNoise, RegistryRig, signal, until } from './rig.ts';

describe('registry: an agent that is killed in the middle of a pull', function () {
  const rig = RegistryRig.for(this);
  this.timeout(240_000);
  let registry: RunningRegistry;
  let proxy: ChaosProxy;
  let agent: RunningAgent;
  before(async () => {
    registry = await startRegistry();
    proxy = await ChaosProxy.before(registry.host);
    agent = await startAgent();
  });
  after(async () => {
    await agent?.stop();
    await proxy?.close();
    await registry?.stop();
  });

  it('shows nothing of it afterwards, and the next agent fetches only the rest', async () => {
    const source = await rig.side();
    const name = `${registry.host}/large:1`;
    const id = await loadNoise(source, { tag: name, sizes: [500_000, 8_000_000] });
    await source.registry.push(name, { signal });
    let large = '';
    proxy.does(({ method, url }, answer) => {
      if (method !== 'GET' || !isBlobUrl(url) || answer.body.length < 1_000_000) return;
      large = /sha256:[0-9a-f]{64}/.exec(url)?.[0] ?? '';
      answer.stallAfter = 6_000_000;
    });
    const path = `/images/create?fromImage=${proxy.host}/large&tag=1`;
    const pulling = ask(agent.socket, 'POST', path).catch(() => undefined);
    await until(async () => large !== '' && (await bytesArrived(agent.dataRoot, large)) >= 5_500_000);
    await agent.kill9();
    await pulling;
    await agent.restart();
    assert.deepEqual(JSON.parse((await ask(agent.socket, 'GET', '/images/json?all=1')).body), []);
    proxy.does();
    const { status, body } = await ask(agent.socket, 'POST', path);
    assert.equal(status, 200, body);
    assert.match(body, /Status: Downloaded newer image for/);
    const [image] = JSON.parse((await ask(agent.socket, 'GET', '/images/json')).body);
    assert.equal(image.Id, id);
    // Of the large layer at most what had not reached the disk.
    assert.ok(proxy.blobBytes < 3_200_000, `${proxy.blobBytes} bytes came again`);
    const ranges = proxy.seen.flatMap(({ headers }) => headers.range ?? []);
    assert.match(ranges.join(), /^bytes=[56]\d{6}-/);
  });
});
