import assert from 'node:assert/strict';
import { PacedChanges } from '../../../src/extension/tree/paced-changes.ts';

describe('what of a tree is drawn anew', () => {
  let changes: PacedChanges<string>;
  let told: (readonly string[] | undefined)[];
  let heard: () => void;

  beforeEach(() => {
    changes = new PacedChanges();
    told = [];
    heard = () => undefined;
    changes.event((rows) => {
      told.push(rows);
      heard();
    });
  });

  afterEach(() => changes.dispose());

  const next = () =>
    new Promise<void>((resolve) => {
      heard = resolve;
    });

  it('comes together when it is of one moment, or follows fast', async () => {
    for (const row of ['a', 'b', 'a']) changes.fire(row);
    assert.deepEqual(told, []);
    await next();
    assert.deepEqual(told, [['a', 'b']]);
    changes.fire('c');
    await new Promise((resolve) => setImmediate(resolve));
    changes.fire('d');
    await next();
    assert.deepEqual(told, [
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('is told while changes never cease', async () => {
    const storm = setInterval(() => changes.fire('a'), 5);
    try {
      for (let times = 0; times < 3; times += 1) await next();
    } finally {
      clearInterval(storm);
    }
  });

  it('is the whole tree when that is among it', async () => {
    changes.fire('a');
    changes.fire(undefined);
    await next();
    changes.fire('b');
    await next();
    assert.deepEqual(told, [undefined, ['b']]);
  });
});
