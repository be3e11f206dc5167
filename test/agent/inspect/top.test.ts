import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fromPs, processTable, startTime, terminalName } from '../../../src/agent/inspect/top.ts';
import { requires } from '../../support/tools.ts';

describe('inspect: process tables', () => {
  it('names of terminals', () => {
    const device = (major: number, minor: number) => (major << 8) | (minor & 0xff) | ((minor & ~0xff) << 12);
    assert.equal(terminalName(0), '?');
    assert.equal(terminalName(device(136, 0)), 'pts/0');
    assert.equal(terminalName(device(136, 300)), 'pts/300');
    assert.equal(terminalName(device(137, 1)), 'pts/257');
    assert.equal(terminalName(device(4, 1)), 'tty1');
    assert.equal(terminalName(device(4, 64)), 'ttyS0');
    assert.equal(terminalName(device(204, 64)), '?');
  });

  it('start times as ps words them', () => {
    const now = new Date(2026, 5, 15, 12, 0);
    assert.equal(startTime(new Date(2026, 5, 15, 9, 5), now), '09:05');
    assert.equal(startTime(new Date(2026, 5, 3, 9, 5), now), 'Jun03');
    assert.equal(startTime(new Date(2025, 11, 31, 9, 5), now), '2025');
  });

  it('of what ps prints, the wanted lines; the last column keeps its words', () => {
    const lines = ['  PID CMD', '    1 init', '   12 sh -c a b', '  123 other'];
    assert.deepEqual(fromPs([12], lines), { Titles: ['PID', 'CMD'], Processes: [['12', 'sh -c a b']] });
    assert.throws(() => fromPs([1], ['CMD', 'x']), { message: "Couldn't find PID field in ps output" });
  });

  it('the columns read from /proc are those of the host’s ps', async function () {
    requires(this, { programs: ['ps'] });
    const ours = await processTable([process.pid, process.ppid], '-ef');
    const { stdout } = await promisify(execFile)('ps', ['-ef', '-ww'], { maxBuffer: 1 << 26 });
    const theirs = fromPs([process.pid, process.ppid], stdout.split('\n'));
    const sorted = (rows: readonly (readonly string[])[]) => rows.map(withoutUse).sort();
    assert.deepEqual(ours.Titles, theirs.Titles);
    assert.deepEqual(sorted(ours.Processes), sorted(theirs.Processes));
  });

  it('arguments that ps does not take are told in its words', async function () {
    requires(this, { programs: ['ps'] });
    await assert.rejects(processTable([1], '--no-such-option'), { kind: 'invalid', message: /^ps: / });
  });
});

/** CPU use and time go on between two looks, and a start is rounded to the minute in two ways. */
function withoutUse(row: readonly string[]): string {
  return row.filter((_, column) => ![3, 4, 6].includes(column)).join(' ');
}
