import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Holes } from '../../../src/agent/store/holes.ts';

describe('the holes of sparse files', () => {
  it('count as zeros, whatever their length', async () => {
    const length = (33 << 20) + 7;
    const hash = createHash('sha256');
    await new Holes().hash(hash, length, 'x');
    assert.equal(hash.digest('hex'), createHash('sha256').update(Buffer.alloc(length)).digest('hex'));
  });

  it('are hashed in turns with everything else', async () => {
    let turns = 0;
    const turn = setInterval(() => turns++, 0);
    try {
      await new Holes().hash(createHash('sha256'), 256 << 20, 'x');
    } finally {
      clearInterval(turn);
    }
    assert.ok(turns >= 2, `${turns} turns of others`);
  });

  it('of many files are counted together', async () => {
    const holes = new Holes();
    const nothing = { update: () => undefined };
    for (let file = 0; file < 4; file++) await holes.hash(nothing, 2 ** 34, 'x');
    await assert.rejects(holes.hash(nothing, 1, 'the fifth'), /with 'the fifth' its files have holes of more than/);
  });
});
