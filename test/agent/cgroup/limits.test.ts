import { request } from 'node:http';
import { busyboxTar } from '../../conformance/engine.ts';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { limitChecks } from './limits.suite.ts';

/** On this machine's cgroups; the suite of the virtual machine runs the same checks on v2. */
describe('limits, felt inside and seen in the readings', function () {
  this.timeout(120_000);
  const image = 'limits/busybox:1';
  let agent: RunningAgent;
  before(async () => {
    agent = await startAgent();
    await load(agent.socket, await busyboxTar());
  });
  after(() => agent.stop());

  for (const { name, run } of limitChecks) {
    it(name, async function () {
      const skipped = await run({ image, ask: (method, path, body) => ask(agent.socket, method, path, body) });
      if (skipped !== undefined) {
        console.log(`      skipped: ${skipped}`);
        this.skip();
      }
    });
  }

  async function load(socketPath: string, tar: Buffer): Promise<void> {
    const path = '/images/create?fromSrc=-&repo=limits/busybox&tag=1';
    await new Promise<void>((resolve, reject) => {
      request({ socketPath, path, method: 'POST', agent: false }, (response) => {
        response.resume().once('end', resolve);
      })
        .once('error', reject)
        .end(tar);
    });
  }
});
