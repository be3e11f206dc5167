import assert from 'node:assert/strict';
import { splitVersion } from '../../../src/agent/api/api-version.ts';
import { byteRange } from '../../../src/agent/api/byte-range.ts';
import { statusWords } from '../../../src/agent/api/container-summary.ts';
import { Filters } from '../../../src/agent/api/filters.ts';
import { globMatches } from '../../../src/agent/api/glob.ts';
import { humanDuration } from '../../../src/agent/api/human-duration.ts';
import { Query } from '../../../src/agent/api/query.ts';
import { matcher, type Route, sent } from '../../../src/agent/api/route.ts';
import { wellFormed } from '../../../src/agent/api/well-formed.ts';
import { record } from './fakes.ts';

describe('api: reading requests', () => {
  describe('versions', () => {
    const cases: readonly [path: string, expected: { minor: number; path: string } | string][] = [
      ['/info', { minor: 47, path: '/info' }],
      ['/v1.24/info', { minor: 24, path: '/info' }],
      ['/v1.47/containers/v1.2/json', { minor: 47, path: '/containers/v1.2/json' }],
      ['/v1.48/info', 'client version 1.48 is too new. Maximum supported API version is 1.47'],
      ['/v2.0/info', 'client version 2.0 is too new. Maximum supported API version is 1.47'],
      [
        '/v1.23/info',
        'client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
      ],
    ];
    for (const [path, expected] of cases) {
      it(path, () => {
        if (typeof expected === 'string')
          assert.throws(() => splitVersion(path), { message: expected, kind: 'invalid' });
        else assert.deepEqual(splitVersion(path), expected);
      });
    }
  });

  describe('routes', () => {
    const handler = async () => sent;
    const routes: Route[] = [
      { method: 'GET', path: '/images/json', handler },
      { method: 'GET', path: '/images/{name*}/json', handler },
      { method: 'GET', path: '/images/{name*}/layers/{position}/file', handler },
      { method: 'GET', path: '/late', since: 44, handler },
      { method: 'DELETE', path: '/images/{name*}', handler },
    ];
    const find = matcher(routes);
    const params = (method: string, path: string, minor = 47) => {
      const match = find({ method, path, minor });
      return match === undefined ? undefined : [match.route.path, ...match.params.values()];
    };

    it('names of images hold slashes', () => {
      assert.deepEqual(params('GET', '/images/porthole/starter:latest/json'), [
        '/images/{name*}/json',
        'porthole/starter:latest',
      ]);
      assert.deepEqual(params('GET', '/images/a/b/layers/2/file'), [
        '/images/{name*}/layers/{position}/file',
        'a/b',
        '2',
      ]);
      assert.deepEqual(params('DELETE', '/images/host:5000/a/b'), ['/images/{name*}', 'host:5000/a/b']);
    });
    it('the first match wins', () => assert.deepEqual(params('GET', '/images/json'), ['/images/json']));
    it('another method, a longer path or an older API does not match', () => {
      assert.equal(params('POST', '/images/json'), undefined);
      assert.equal(params('GET', '/images/json/more'), undefined);
      assert.equal(params('GET', '/late', 43), undefined);
      assert.notEqual(params('GET', '/late', 44), undefined);
    });
  });

  describe('queries', () => {
    const query = new Query('a=1&b=0&c=false&d=yes&e=&n=12&bad=x1&t=1700000000.5&z=0&r=2026-01-01T00:00:00Z');
    it('flags', () => {
      assert.deepEqual(
        ['a', 'b', 'c', 'd', 'e', 'absent'].map((name) => query.flag(name)),
        [true, false, false, true, false, false],
      );
      assert.equal(query.flag('absent', true), true);
    });
    it('numbers', () => {
      assert.equal(query.whole('n'), 12);
      assert.equal(query.whole('absent'), undefined);
      assert.throws(() => query.whole('bad'), { message: 'invalid bad: "x1" is not a whole number' });
    });
    it('times', () => {
      assert.equal(query.time('t'), 1_700_000_000.5);
      assert.equal(query.time('z'), undefined);
      assert.equal(new Query('t=1700000000.000000123').nanoTime('t'), 1_700_000_000_000_000_123n);
      assert.equal(query.time('r'), Date.UTC(2026, 0, 1) / 1000);
      assert.throws(() => query.time('bad'), { kind: 'invalid' });
    });
  });

  describe('filters', () => {
    const known = ['label', 'name', 'id', 'dangling'];
    it('both forms are read', () => {
      for (const text of ['{"name":["a","b"]}', '{"name":{"a":true,"b":true,"c":false}}']) {
        assert.deepEqual(Filters.parse(text, known).get('name'), ['a', 'b'], text);
      }
    });
    it('malformed and unknown ones are refused', () => {
      assert.throws(() => Filters.parse('{', known), { kind: 'invalid' });
      assert.throws(() => Filters.parse('{"name":3}', known), { kind: 'invalid' });
      assert.throws(() => Filters.parse('{"foo":["x"]}', known), { message: "invalid filter 'foo'" });
    });
    it('labels must all be there', () => {
      const labels = { a: '1', empty: '' };
      const check = (...wanted: string[]) => Filters.parse(JSON.stringify({ label: wanted }), known).labels(labels);
      assert.deepEqual(
        [check('a'), check('a=1'), check('a=2'), check('a', 'empty'), check('a', 'b'), check('toString')],
        [true, true, false, true, false, false],
      );
    });
    it('names are expressions; one that is none matches only itself', () => {
      const filters = Filters.parse('{"name":["^we","("]}', known);
      assert.equal(filters.matches('name', 'web'), true);
      assert.equal(filters.matches('name', 'aweb'), false);
      assert.equal(filters.matches('name', '('), true);
    });
    it('truths', () => {
      assert.equal(Filters.parse('{"dangling":["true"]}', known).flag('dangling'), true);
      assert.equal(Filters.parse('', known).flag('dangling'), undefined);
      assert.throws(() => Filters.parse('{"dangling":["maybe"]}', known).flag('dangling'), { kind: 'invalid' });
    });
  });

  it('globs', () => {
    const cases: readonly [pattern: string, text: string, expected: boolean][] = [
      ['busybox*', 'busybox:latest', true],
      ['*', 'porthole/starter', false],
      ['*/starter:*', 'porthole/starter:latest', true],
      ['b?x', 'box', true],
      ['b[a-o]x', 'box', true],
      ['b[^a-o]x', 'box', false],
      ['a.c', 'abc', false],
      ['a\\*', 'a*', true],
    ];
    for (const [pattern, text, expected] of cases)
      assert.equal(globMatches(pattern, text), expected, `${pattern} ${text}`);
    for (const bad of ['b[', '\\'])
      assert.throws(() => globMatches(bad, 'b'), { kind: 'invalid', message: 'syntax error in pattern' });
  });

  it('byte ranges', () => {
    const cases: readonly [header: string | undefined, expected: unknown][] = [
      [undefined, undefined],
      ['bytes=0-3', { start: 0, end: 3 }],
      ['bytes=4-', { start: 4, end: 9 }],
      ['bytes=-3', { start: 7, end: 9 }],
      ['bytes=-30', { start: 0, end: 9 }],
      ['bytes=8-100', { start: 8, end: 9 }],
      ['bytes=10-', 'unsatisfiable'],
      ['bytes=-0', 'unsatisfiable'],
      ['bytes=5-4', undefined],
      ['bytes=0-1,3-4', undefined],
      ['lines=1-2', undefined],
    ];
    for (const [header, expected] of cases) assert.deepEqual(byteRange(header, 10), expected, header);
    assert.equal(byteRange('bytes=0-', 0), 'unsatisfiable');
  });

  it('durations read as dockerd words them', () => {
    const minute = 60;
    const hour = 3600;
    const day = 24 * hour;
    const cases: readonly [seconds: number, expected: string][] = [
      [-5, 'Less than a second'],
      [0.9, 'Less than a second'],
      [1, '1 second'],
      [59, '59 seconds'],
      [90, 'About a minute'],
      [2 * minute, '2 minutes'],
      [59.5 * minute, '59 minutes'],
      [hour, 'About an hour'],
      [47 * hour, '47 hours'],
      [48 * hour, '2 days'],
      [14 * day, '2 weeks'],
      [60 * day, '2 months'],
      [730 * day, '2 years'],
    ];
    for (const [seconds, expected] of cases) assert.equal(humanDuration(seconds), expected, String(seconds));
  });

  it('status words of every state', () => {
    const now = new Date('2026-01-01T00:05:02Z');
    const { state } = record();
    const words = (changes: Partial<typeof state>) => statusWords(record({ state: { ...state, ...changes } }), now);
    assert.equal(words({}), 'Exited (3) 5 minutes ago');
    assert.equal(words({ status: 'running' }), 'Up 5 minutes');
    assert.equal(words({ status: 'paused' }), 'Up 5 minutes (Paused)');
    assert.equal(words({ status: 'restarting' }), 'Restarting (3) 5 minutes ago');
    assert.equal(words({ status: 'created' }), 'Created');
    assert.equal(words({ status: 'exited', finishedAt: '0001-01-01T00:00:00Z' }), 'Created');
    assert.equal(words({ status: 'dead' }), 'Dead');
    assert.equal(words({ status: 'removing' }), 'Removal In Progress');
  });
});

describe('api: stray bytes', () => {
  const said = (value: object) => {
    const reply = wellFormed(value);
    assert.ok(reply.kind === 'json');
    return reply.text;
  };

  it('are U+FFFD in names and values, behind whatever backslashes', () => {
    assert.equal(said({ '\udcff': 'a\udc80' }), '{"\ufffd":"a\ufffd"}');
    assert.equal(
      said(['\\\udcff', '\\udcff', '\\\\udcff', '\n\udcff"']),
      '["\\\\\ufffd","\\\\udcff","\\\\\\\\udcff","\\n\ufffd\\""]',
    );
  });

  it('are found in the time that the text takes, whatever is in it', () => {
    const backslashes = '\\'.repeat(300_000);
    assert.equal(said([backslashes]), JSON.stringify([backslashes]));
  });
});
