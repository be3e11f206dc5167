import assert from 'node:assert/strict';
import { fewLines, oneLine } from '../../../src/extension/tree/readable.ts';

describe('text of others in a tree', () => {
  it('is left as it is when there is nothing wrong with it', () => {
    for (const text of ['', 'web-1', 'Ünïcode 容器 🐳', '<b>bold</b> **md** [x](command:y) $(alert)']) {
      assert.equal(oneLine(text), text);
    }
  });

  it('shows control characters and escape sequences instead of obeying them', () => {
    assert.equal(oneLine('a\u001b[31mred\u0007\u0000'), 'a␛[31mred␇␀');
    assert.equal(oneLine('tab\there\u007f\u009b'), 'tab here␡\ufffd');
  });

  it('is one line, but for tooltips', () => {
    assert.equal(oneLine('a\r\n\nb\u2028c'), 'a⏎b⏎c');
    assert.equal(fewLines('a\r\nb\n\u001bc'), 'a\nb\n␛c');
  });

  it('turns the direction of nothing behind it', () => {
    assert.equal(oneLine('photo\u202egnp.exe'), 'photo\ufffdgnp.exe');
    assert.equal(oneLine('\u2066\u2069x'), '\ufffd\ufffdx');
    assert.equal(oneLine('שלום 1'), '\u2068שלום 1\u2069');
  });

  it('is as long as a screen can show, and no character is cut in two', () => {
    assert.equal(oneLine('x'.repeat(100_000)).length, 301);
    assert.equal(oneLine('🐳'.repeat(200), 5), '🐳🐳…');
    assert.ok(fewLines('x\n'.repeat(100_000)).length < 5_000);
  });
});
