import assert from 'node:assert/strict';
import { inTurns, timing } from './measure.ts';
import { isMet, type Row, table } from './rows.ts';
import { answerIn } from './wire.ts';

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

describe('the bench’s client', () => {
  const answer = (text: string, ended = false) => answerIn(text.replaceAll('\n', '\r\n'), { ended });

  it('knows where an answer ends: by its length, its pieces or the connection’s end', () => {
    const head = 'HTTP/1.1 201 Created\nContent-Length: 4';
    assert.equal(answer(`${head}\n`), undefined);
    assert.equal(answer(`${head}\n\nabc`), undefined);
    assert.deepEqual(answer(`${head}\n\nabcd`), { status: 201, body: 'abcd' });
    const pieces = 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\nA\n0123456789\n';
    assert.equal(answer(pieces), undefined);
    assert.deepEqual(answer(`${pieces}0\n\n`), { status: 200, body: 'abc0123456789' });
    assert.equal(answer('HTTP/1.1 200 OK\n\nabc'), undefined);
    assert.deepEqual(answer('HTTP/1.1 200 OK\n\nabc', true), { status: 200, body: 'abc' });
    assert.deepEqual(answer('HTTP/1.1 204 No Content\n\n'), { status: 204, body: '' });
  });
});
