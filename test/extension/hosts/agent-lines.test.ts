import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { agentLines } from '../../../src/extension/hosts/agent-lines.ts';
import { LyingEngine, lyingHost } from '../../support/lying-engine.ts';

describe('hosts: lines of our agent', () => {
  it('are asked for with the whole query', async () => {
    const engine = await LyingEngine.start();
    try {
      const request = { path: '/porthole/v1/usage', query: { stream: 1, interval: 1000 } };
      await text(await agentLines(lyingHost(engine), request, new AbortController().signal));
      assert.deepEqual(engine.queries, ['?stream=1&interval=1000']);
    } finally {
      await engine.stop();
    }
  });
});
