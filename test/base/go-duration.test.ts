import assert from 'node:assert/strict';
import { goDuration, printedDuration } from '../../src/base/go-duration.ts';

describe('durations as Go writes them', () => {
  it('are read', () => {
    const known: Readonly<Record<string, number>> = {
      '0': 0,
      '-0': 0,
      '1ns': 1,
      '1us': 1e3,
      '1µs': 1e3,
      '10ms': 1e7,
      '1.5s': 1.5e9,
      '.5s': 5e8,
      '1.s': 1e9,
      '1m30s': 90e9,
      '1h2m3s4ms': 3723.004e9,
      '-10m': -600e9,
      '+1h': 3600e9,
    };
    for (const [text, nanoseconds] of Object.entries(known)) assert.deepEqual(goDuration(text), { nanoseconds }, text);
  });

  it('are refused in the words of Go', () => {
    const words: Readonly<Record<string, string>> = {
      '': 'time: invalid duration ""',
      '-': 'time: invalid duration "-"',
      s: 'time: invalid duration "s"',
      '.s': 'time: invalid duration ".s"',
      '1': 'time: missing unit in duration "1"',
      '1m30': 'time: missing unit in duration "1m30"',
      '5x': 'time: unknown unit "x" in duration "5x"',
      '1 h': 'time: unknown unit " h" in duration "1 h"',
      '1toString': 'time: unknown unit "toString" in duration "1toString"',
      '99999999999h': 'time: invalid duration "99999999999h"',
    };
    for (const [text, problem] of Object.entries(words)) assert.deepEqual(goDuration(text), { problem }, text);
  });

  it('are printed', () => {
    assert.deepEqual([1, 250, 1500, 30_000, 60_000, 3_723_000].map(printedDuration), [
      '1ms',
      '250ms',
      '1.5s',
      '30s',
      '1m0s',
      '1h2m3s',
    ]);
  });
});
