import assert from 'node:assert/strict';
import type { BuildOutput } from '../../../src/agent/build/contract.ts';
import { OrderedOutput } from '../../../src/agent/build/output.ts';

describe('build: what stages say', () => {
  const collected = () => {
    const said: string[] = [];
    const output: BuildOutput = {
      stdout: (text) => said.push(text),
      stderr: (text) => said.push(`!${text}`),
      image: (id) => said.push(`=${id}`),
      progress: () => undefined,
      ready: async () => undefined,
    };
    return { said, ordered: new OrderedOutput(output) };
  };
  const never = new AbortController().signal;

  it('is heard in their order, whoever says it first', () => {
    const { said, ordered } = collected();
    const [one, two, three] = [ordered.lane(), ordered.lane(), ordered.lane()];
    three.stdout('3a');
    two.stderr('2a');
    one.stdout('1a');
    three.close();
    one.image('1b');
    assert.deepEqual(said, ['1a', '=1b']);
    one.close();
    assert.deepEqual(said, ['1a', '=1b', '!2a']);
    two.stdout('2b');
    two.close();
    assert.deepEqual(said, ['1a', '=1b', '!2a', '2b', '3a']);
  });

  it('holds back who says too much before its turn, until that comes or it is stopped', async () => {
    const { ordered } = collected();
    const [one, two] = [ordered.lane(), ordered.lane()];
    two.stdout('a');
    await two.ready(never);
    two.stdout('a'.repeat(1 << 20));
    const stop = new AbortController();
    const stopped = two.ready(stop.signal);
    stop.abort(new Error('stopped'));
    await assert.rejects(stopped, { message: 'stopped' });
    let isReady = false;
    const ready = two.ready(never).then(() => {
      isReady = true;
    });
    await one.ready(never);
    assert.equal(isReady, false);
    one.close();
    await ready;
  });
});
