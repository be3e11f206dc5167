import assert from 'node:assert/strict';
import { Filters } from '../../../src/agent/api/filters.ts';

describe('patterns of filters', () => {
  const matches = (pattern: string, name: string): boolean =>
    Filters.parse(JSON.stringify({ name: [pattern] }), ['name']).matches('name', name);

  it('match anywhere; a malformed one matches nothing', () => {
    assert.deepEqual(
      ['eb', '^web$', 'w(e|x)b', 'w.*', '(', '^eb'].map((pattern) => matches(pattern, 'web')),
      [true, true, true, true, false, false],
    );
  });

  it('one that would search for ever is refused', () => {
    assert.throws(() => matches('(n+)+!', 'n'.repeat(200)), { kind: 'invalid', message: /takes too long/ });
  });
});
