import assert from 'node:assert/strict';
import { withoutTrailing } from '../../src/base/trailing.ts';

describe('withoutTrailing', () => {
  it('takes away a run at the end, and no other', () => {
    const cases = [
      ['a/b//', 'a/b'],
      ['//a//b', '//a//b'],
      ['///', ''],
      ['', ''],
    ] as const;
    for (const [text, expected] of cases) assert.equal(withoutTrailing(text, '/'), expected, text);
    assert.equal(withoutTrailing(' a \t \t', ' \t'), ' a');
  });

  it('does not mind long runs elsewhere', () => {
    const text = `${' '.repeat(2_000_000)}x`;
    assert.equal(withoutTrailing(text, ' '), text);
  });
});
