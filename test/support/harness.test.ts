import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compared, filesToRunAgain } from '../../scripts/second-look.ts';
import { countsIn } from '../../scripts/suite-counts.ts';
import { difference, settle, takeSnapshot } from './leaks.ts';
import { missing, requires, which } from './tools.ts';

describe('the leak check', () => {
  it('names a temporary directory, and is quiet when it is gone', async () => {
    const before = takeSnapshot();
    const dir = await mkdtemp(join(tmpdir(), 'porthole-leak-'));
    assert.ok(difference(before, takeSnapshot()).includes(`temporary file: ${dir}`));
    await rm(dir, { recursive: true });
    assert.ok(!difference(before, takeSnapshot()).some((item) => item.includes(dir)));
  });

  it('names a process that calls itself a shim', async () => {
    const before = takeSnapshot();
    const child = spawn('sleep', ['100'], { argv0: 'porthole-shim', stdio: 'ignore' });
    try {
      await once(child, 'spawn');
      const found = difference(before, takeSnapshot()).filter((item) => item.startsWith('process: '));
      assert.ok(
        found.some((item) => item.includes(`${child.pid} porthole-shim`)),
        found.join('\n'),
      );
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    assert.ok(!(await settle(before)).some((item) => item.includes(`${child.pid} porthole-shim`)));
  });

  it('names a mount', async function () {
    requires(this, { root: true });
    const before = takeSnapshot();
    const dir = await mkdtemp(join(tmpdir(), 'porthole-leak-'));
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', dir]);
    try {
      assert.ok(difference(before, takeSnapshot()).some((item) => item.startsWith('mount: ') && item.endsWith(dir)));
    } finally {
      execFileSync('umount', [dir]);
      await rm(dir, { recursive: true });
    }
  });
});

describe('the counting of suites', () => {
  it('reads Mocha’s summary', () => {
    const output = '  12 passing (3s)\n  2 pending\n  1 failing\n';
    assert.deepEqual(countsIn({ code: 1, output }), { passed: 12, failed: 1, skipped: 2 });
  });
  it('reads a last line of our own', () => {
    const output = '1 passed, 1 failed, 0 skipped\nmore\n4 passed, 0 failed, 3 skipped\n';
    assert.deepEqual(countsIn({ code: 0, output }), { passed: 4, failed: 0, skipped: 3 });
  });
  it('a crash counts as a failure, and so does a run without a test', () => {
    assert.equal(countsIn({ code: 1, output: '  12 passing (3s)\n' }).failed, 1);
    assert.equal(countsIn({ code: 0, output: '' }).failed, 1);
  });
});

describe('the second look at what failed', () => {
  const one = { file: 'a.test.ts', title: 'one', name: 'one' };
  const two = { ...one, title: 'two', name: 'two' };
  const leak = { name: 'the leak check' };
  const counts = { passed: 5, failed: 2, skipped: 0 };

  it('is at whole files; a leak alone, a crash and many failures are not excused', () => {
    assert.deepEqual(filesToRunAgain([one, two, { file: 'b.test.ts', name: 'a hook' }]), ['a.test.ts', 'b.test.ts']);
    assert.equal(filesToRunAgain([leak]), undefined);
    assert.equal(filesToRunAgain([]), undefined);
    assert.equal(filesToRunAgain(Array.from({ length: 9 }, () => one)), undefined);
  });

  it('counts what failed twice as failed, and names the rest', () => {
    assert.deepEqual(compared(counts, [one, two], [two]), {
      counts: { passed: 6, failed: 1, skipped: 0 },
      unsteady: ['one'],
    });
    assert.deepEqual(compared(counts, [one, leak], []), {
      counts: { passed: 6, failed: 0, skipped: 0 },
      unsteady: ['one', 'the leak check'],
    });
    assert.equal(compared(counts, [one], [leak]).counts.failed, 1);
    assert.deepEqual(compared(counts, [one], [two]), {
      counts: { passed: 6, failed: 0, skipped: 0 },
      unsteady: ['one', 'two'],
    });
  });
});

describe('tools', () => {
  it('finds what is there and names what is not, with its Debian package', () => {
    assert.ok(which('sh'));
    assert.equal(missing({ programs: ['sh'] }), undefined);
    assert.match(missing({ programs: ['no-such-program'] }) ?? '', /no-such-program/);
  });
});
