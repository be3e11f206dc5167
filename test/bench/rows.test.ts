import assert from 'node:assert/strict';
import { inTurns, timing } from './measure.ts';
import { isMet, type Row, table } from './rows.ts';

describe('the bench', () => {
  const row: Row = { what: 'w', unit: 'ms', ours: 10, other: { figure: 30, whose: 'dockerd' } };

  it('a goal that is missed or cannot be told is one that is not met', () => {
    assert.equal(isMet(row), true);
    assert.equal(isMet({ ...row, goal: { share: 1 / 3 } }), true);
    assert.equal(isMet({ ...row, goal: { share: 0.3 } }), false);
    assert.equal(isMet({ ...row, goal: { most: 10 } }), true);
    assert.equal(isMet({ ...row, goal: { most: 9 } }), false);
    assert.equal(isMet({ ...row, ours: Number.NaN, goal: { most: 9 } }), false);
    assert.equal(isMet({ what: 'w', unit: 'ms', ours: 0, goal: { share: 1 } }), false);
  });

  it('says in the row that a goal was missed', () => {
    const [, first, second] = table([
      { ...row, goal: { share: 0.3 } },
      { ...row, goal: { most: 10 } },
    ]);
    assert.match(first ?? '', /<= 0\.300 of it .* 0\.333 +MISS$/);
    assert.match(second ?? '', /<= 10 ms .* ok$/);
  });

  it('takes turns, leaves out what only warms, and gives the median of the shortest of each three', async () => {
    const turns: string[] = [];
    const task = (name: string, took: number) => async () => turns.push(name) && took;
    const figures = await inTurns({ a: task('a', 1), b: task('b', 2) }, { rounds: 1, rest: 0 });
    assert.equal(turns.join(''), 'abababab');
    assert.deepEqual(figures('b'), { median: 2, undisturbed: 2, count: 1 });
    assert.deepEqual(timing([9, 5, 7, 1, 8, 8, 6, 6, 6]), { median: 6, undisturbed: 5, count: 9 });
  });
});
