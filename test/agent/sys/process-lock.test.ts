import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isHeld, takeProcessLock } from '../../../src/agent/sys/process-lock.ts';
import { typescriptLoader } from '../../support/agent.ts';
import { requires } from '../../support/tools.ts';

const script = `
  const { takeProcessLock, isHeld } = await import(${JSON.stringify(
    new URL('../../../src/agent/sys/process-lock.ts', import.meta.url).href,
  )});
  process.stdin.once('data', async () => {
    const taken = await takeProcessLock(process.env.DIRECTORY, 'test');
    console.log(isHeld(taken) ? 'held by ' + taken.pid : 'taken by ' + process.pid);
  });
  console.log('ready');
`;

describe('a lock that dies with its process', function () {
  this.timeout(30_000);
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp('/tmp/porthole-lock-');
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('is had once, until it is let go', async () => {
    const first = await takeProcessLock(directory, 'test');
    assert.ok(!isHeld(first));
    assert.deepEqual(await takeProcessLock(directory, 'test'), { pid: process.pid });
    assert.ok(!isHeld(await takeProcessLock(directory, 'other')));
    await first.release();
    assert.ok(!isHeld(await takeProcessLock(directory, 'test')));
    assert.equal((await readdir(directory)).filter((name) => name.startsWith('test.')).length, 1);
  });

  it('leaves nothing on a full disk, which it names, nor of one who was killed asking for it', async function () {
    requires(this, { root: true });
    const full = join(directory, 'full');
    await mkdir(full);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', full]);
    try {
      await writeFile(join(full, 'filler'), Buffer.alloc(1 << 17)).catch(() => undefined);
      await assert.rejects(takeProcessLock(full, 'test'), {
        kind: 'unavailable',
        message: `no space left on device: nothing can be written in ${full}`,
      });
      assert.deepEqual(await readdir(full), ['filler']);
    } finally {
      execFileSync('umount', [full]);
    }
    const { pid } = spawnSync('true');
    await writeFile(join(directory, `.test.${pid}.123`), '');
    await writeFile(join(directory, `.test.${process.pid}.123`), '');
    await takeProcessLock(directory, 'test');
    assert.deepEqual((await readdir(directory)).sort(), [`.test.${process.pid}.123`, 'full', 'test.1']);
  });

  it('of several processes at once one gets it; when that is killed, it is free', async () => {
    const contenders = Array.from({ length: 4 }, () => {
      const child = spawn(process.execPath, ['--import', typescriptLoader, '--input-type=module', '-e', script], {
        env: { ...process.env, DIRECTORY: directory },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      child.stdout.setEncoding('utf8');
      return child;
    });
    try {
      await Promise.all(contenders.map(({ stdout }) => once(stdout, 'data')));
      const answers = contenders.map(({ stdout }) => once(stdout, 'data'));
      for (const { stdin } of contenders) stdin.write('go');
      const results = (await Promise.all(answers)).map(([answer]) => String(answer).trim());
      const [winner, ...more] = results.filter((result) => result.startsWith('taken by'));
      assert.ok(winner !== undefined && more.length === 0, results.join(', '));
      const pid = Number(winner.replace('taken by ', ''));
      assert.equal(results.filter((result) => result === `held by ${pid}`).length, 3);
      const holder = contenders.find((child) => child.pid === pid);
      assert.ok(holder !== undefined);
      const ended = once(holder, 'exit');
      holder.kill('SIGKILL');
      await ended;
      const after = await takeProcessLock(directory, 'test');
      assert.ok(!isHeld(after));
    } finally {
      await Promise.all(
        contenders.map(async (child) => {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const ended = once(child, 'exit');
          child.kill('SIGKILL');
          await ended;
        }),
      );
    }
  });
});
