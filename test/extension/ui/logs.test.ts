import assert from 'node:assert/strict';
import { LogLines } from '../../../src/extension/logs/log-lines.ts';
import { type LogLine, longestLine } from '../../../src/protocol/log-page.ts';
import { plainText, spansOf } from '../../../webview/logs/ansi.ts';
import { finder, found, inScope, marked, places } from '../../../webview/logs/search.ts';

const time = '2026-01-02T03:04:05.000000006Z';
const frame = (stream: 1 | 2, text: string): Buffer => {
  const body = Buffer.from(text);
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
};
const line = (text: string, more: Partial<LogLine> = {}): LogLine => ({
  at: 0,
  source: 0,
  stream: 'stdout',
  text,
  ...more,
});

describe('the lines of a log', () => {
  it('are the same however the stream is cut', () => {
    const all = Buffer.concat([frame(1, `${time} one\n${time} tw`), frame(2, `${time} 错误\n`), frame(1, 'o\n')]);
    const at = Date.parse(time);
    const expected = [line('one', { at }), line('错误', { at, stream: 'stderr' }), line('two', { at })];
    for (let size = 1; size <= all.length; size += 1) {
      const lines = new LogLines({ tty: false, source: 0 });
      const got: LogLine[] = [];
      for (let from = 0; from < all.length; from += size) got.push(...lines.push(all.subarray(from, from + size)));
      assert.deepEqual(got, expected, `pieces of ${size}`);
      assert.deepEqual(lines.end(), []);
    }
  });

  it('have no frames with a terminal, and the last needs no end', () => {
    const lines = new LogLines({ tty: true, source: 3 });
    assert.deepEqual(lines.push(Buffer.from(`${time} one\r\nno time`)), [
      line('one', { at: Date.parse(time), source: 3 }),
    ]);
    assert.deepEqual(lines.end(), [line('no time', { source: 3 })]);
  });

  it('are cut where nobody could read on, and kept no longer', () => {
    const lines = new LogLines({ tty: true, source: 0 });
    for (let at = 0; at < 100; at += 1) assert.deepEqual(lines.push(Buffer.alloc(1000, 'x')), []);
    assert.equal(lines.push(Buffer.from('\n'))[0]?.text.length, longestLine);
  });
});

describe('what a line of a log looks like', () => {
  const cases: readonly [string, string, ReturnType<typeof spansOf>][] = [
    [
      'colours',
      'a\x1b[1;31mb\x1b[0mc',
      [
        { text: 'a', look: '' },
        { text: 'b', look: 'fg1 bold' },
        { text: 'c', look: '' },
      ],
    ],
    ['bright ones and backgrounds', '\x1b[92;104mx', [{ text: 'x', look: 'fg10 bg12' }]],
    [
      'the first of 256',
      '\x1b[38;5;9mx\x1b[38;5;200my',
      [
        { text: 'x', look: 'fg9' },
        { text: 'y', look: '' },
      ],
    ],
    ['what RGB says goes', '\x1b[38;2;1;2;3;4mx', [{ text: 'x', look: 'underline' }]],
    [
      'a link’s words only',
      '\x1b]8;;http://x\x07here\x1b]8;;\x1b\\!',
      [
        { text: 'here', look: '' },
        { text: '!', look: '' },
      ],
    ],
    ['a title that never ends', '\x1b]0;title', []],
    ['a screen that is cleared', '\x1b[2J\x1b[Hx\x07\x00', [{ text: 'x', look: '' }]],
    ['progress on one line', '10%\r20%', [{ text: '20%', look: '' }]],
    ['HTML', '<b>x</b>', [{ text: '<b>x</b>', look: '' }]],
  ];
  for (const [what, text, spans] of cases) it(what, () => assert.deepEqual(spansOf(text), spans));

  it('never holds a control character, whatever was written', () => {
    for (let code = 0; code < 0xa0; code += 1) {
      if (code === 9) continue;
      const text = plainText(`a\x1b${String.fromCharCode(code)}b${String.fromCharCode(code)}c`);
      assert.doesNotMatch(text, /\p{Cc}/u, `${code}`);
    }
  });
});

describe('what is looked for in logs', () => {
  it('is plain text or an expression, behind the colours', () => {
    const coloured = line('\x1b[31mer\x1b[0mror (1)');
    const finds = (text: string, expression: boolean) => {
      const pattern = finder({ text, expression });
      assert.ok(pattern instanceof RegExp);
      return found(coloured, pattern);
    };
    assert.equal(finds('ERROR (', false), true);
    assert.equal(finds('^er+or .\\d', true), true);
    assert.equal(finds('e.r', false), false);
    assert.ok(finder({ text: '(', expression: true }) instanceof Error);
    assert.equal(finder({ text: '', expression: true }), undefined);
  });

  it('is of a stream and a time', () => {
    assert.equal(inScope(line('', { at: 5 }), { stream: 'all', since: 6 }), false);
    assert.equal(inScope(line('', { at: 7, stream: 'stderr' }), { stream: 'stderr', since: 6 }), true);
    assert.equal(inScope(line('', { at: 7 }), { stream: 'stderr', since: 0 }), false);
  });

  it('is marked across spans', () => {
    const spans = [{ text: 'abc' }, { text: 'def' }];
    const marks = places('abcdef', /cd|f/g);
    assert.deepEqual(
      marked(spans, marks).map(({ text, hit }) => (hit ? `[${text}]` : text)),
      ['ab', '[c]', '[d]', 'e', '[f]'],
    );
  });
});
