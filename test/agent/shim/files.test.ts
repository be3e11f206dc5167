import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { Operation } from '../../../src/agent/plan/operations.ts';
import type { OperationResult } from '../../../src/agent/shim/contract.ts';
import { PlanFailed } from '../../../src/agent/shim/errors.ts';
import { Rig, why } from './rig.ts';

describe('file operations of the shim', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig.dispose());

  async function run(...operations: Operation[]): Promise<OperationResult[]> {
    const executor = rig.shims.execute();
    try {
      return await executor.run({ operations });
    } finally {
      await executor.close().catch(() => undefined);
    }
  }

  async function failure(...operations: Operation[]): Promise<string> {
    try {
      await run(...operations);
    } catch (error) {
      if (error instanceof PlanFailed) return `${error.step.id} ${error.errnoName}`;
      throw error;
    }
    return 'none';
  }

  const mode = (path: string): number => lstatSync(path).mode & 0o7777;

  it('mkdir and mkdirs make exactly the modes asked for', async () => {
    const path = rig.path('a');
    await run({ op: 'mkdir', path, mode: 0o1777, why }, { op: 'mkdirs', path: `${path}/b//c/d/`, mode: 0o700, why });
    assert.deepEqual([mode(path), mode(`${path}/b`), mode(`${path}/b/c/d`)], [0o1777, 0o700, 0o700]);
    assert.equal(await failure({ op: 'mkdirs', path: `${path}/b/c`, mode: 0o755, why }), 'none');
    writeFileSync(`${path}/file`, '');
    assert.equal(await failure({ op: 'mkdirs', path: `${path}/file/x`, mode: 0o755, why }), '0 ENOTDIR');
    assert.equal(await failure({ op: 'mkdirs', path: `${path}/file`, mode: 0o755, why }), '0 ENOTDIR');
  });

  it('identify tells one file from another, unchanged whether it is still that one', async () => {
    const [path, link] = [rig.path('file'), rig.path('link')];
    const identityOf = async (of: string) => (await run({ op: 'identify', path: of, why }))[0]?.data ?? Buffer.alloc(0);
    const compared = (of: string, identity: Uint8Array) => failure({ op: 'unchanged', path: of, identity, why });
    const absent = await identityOf(path);
    assert.deepEqual(absent, Buffer.alloc(40));
    assert.equal(await compared(path, absent), 'none');
    writeFileSync(path, 'a');
    symlinkSync('file', link);
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    const identity = await identityOf(link);
    const [device, ...rest] = Array.from({ length: 5 }, (_, at) => identity.readBigUInt64LE(8 * at));
    assert.ok(device !== undefined && dev > 0n && device > 0n);
    assert.deepEqual(rest, [ino, size, mtimeNs, ctimeNs]);
    assert.deepEqual([await compared(path, identity), await compared(link, identity)], ['none', 'none']);
    assert.equal(await compared(path, absent), '0 ESTALE');
    writeFileSync(path, 'ab');
    assert.equal(await compared(link, identity), '0 ESTALE');
    assert.equal(await compared(rig.path('none'), identity), '0 ESTALE');
    assert.equal(await compared(path, identity.subarray(1)), '0 EINVAL');
  });

  it('touch makes a file where nothing is and leaves what is there', async () => {
    const path = rig.path('file');
    await run({ op: 'touch', path, mode: 0o640, why });
    assert.equal(mode(path), 0o640);
    writeFileSync(path, 'kept');
    await run({ op: 'touch', path, mode: 0o600, why });
    assert.equal(readFileSync(path, 'utf8'), 'kept');
  });

  it('write writes into an existing file only, read brings back at most its limit', async () => {
    const path = rig.path('value');
    const write: Operation = { op: 'write', path, data: Buffer.from('max'), why };
    assert.equal(await failure(write), '0 ENOENT');
    writeFileSync(path, '123');
    const [, whole, part] = await run(
      write,
      { op: 'read', path, limit: 100, why },
      { op: 'read', path, limit: 2, why },
    );
    assert.deepEqual([whole?.data?.toString(), part?.data?.toString()], ['max', 'ma']);
  });

  it('carries more results than its trace holds', async () => {
    const path = rig.path('big');
    writeFileSync(path, Buffer.alloc(1 << 20, 1));
    const results = await run(
      ...Array.from({ length: 9 }, (): Operation => ({ op: 'read', path, limit: 1 << 20, why })),
    );
    assert.deepEqual(
      results.map(({ data }) => data?.length),
      Array(9).fill(1 << 20),
    );
  });

  it('symlink, link, chmod, chown, utimens, unlink and rmdir do what their calls do', async () => {
    const [file, hard, soft, directory] = ['file', 'hard', 'soft', 'dir'].map((name) => rig.path(name));
    assert.ok(file && hard && soft && directory);
    writeFileSync(file, 'x');
    await run(
      { op: 'link', target: file, path: hard, why },
      { op: 'symlink', target: 'file', path: soft, why },
      { op: 'chmod', path: file, mode: 0o4711, why },
      { op: 'chown', path: soft, uid: 7, gid: 8, why },
      { op: 'utimens', path: soft, seconds: -5n, nanoseconds: 250_000_000, why },
      { op: 'mkdir', path: directory, mode: 0o755, why },
    );
    assert.equal(statSync(hard).ino, statSync(file).ino);
    assert.equal(readlinkSync(soft), 'file');
    assert.equal(mode(hard), 0o4711);
    const link = lstatSync(soft);
    assert.deepEqual([link.uid, link.gid, link.mtimeMs, statSync(file).uid], [7, 8, -4750, 0]);
    await run({ op: 'unlink', path: soft, why }, { op: 'rmdir', path: directory, why });
    assert.deepEqual([existsSync(directory), existsSync(soft)], [false, false]);
  });

  it('mknod makes devices with large numbers, and FIFOs', async () => {
    const [device, fifo] = [rig.path('device'), rig.path('fifo')];
    await run(
      { op: 'mknod', path: device, mode: 0o020666, major: 511, minor: 70_000, why },
      { op: 'mknod', path: fifo, mode: 0o010600, major: 0, minor: 0, why },
    );
    assert.equal(
      execFileSync('stat', ['-c', '%F %t %T', device], { encoding: 'utf8' }),
      `character special file 1ff ${(70_000).toString(16)}\n`,
    );
    assert.ok(lstatSync(fifo).isFIFO());
  });

  it('setxattr sets what overlayfs reads: a trusted attribute with zero bytes', async () => {
    const path = rig.path('opaque');
    mkdirSync(path);
    await run({ op: 'setxattr', path, name: 'trusted.overlay.opaque', value: Buffer.from('y'), why });
    await run({ op: 'setxattr', path, name: 'user.zero', value: Buffer.from([0, 255, 0]), why }).catch(
      (error: unknown) => {
        // tmpfs has user attributes since 6.6
        assert.ok(error instanceof PlanFailed && error.errnoName === 'EOPNOTSUPP');
      },
    );
    const script = 'import os,sys; print(os.getxattr(sys.argv[1], "trusted.overlay.opaque"))';
    assert.equal(execFileSync('python3', ['-c', script, path], { encoding: 'utf8' }), "b'y'\n");
  });

  it('file, append and extend write a sparse file; file never writes through what is there', async () => {
    const path = rig.path('sparse');
    await run(
      { op: 'file', path, mode: 0o600, why },
      { op: 'append', data: Buffer.from('head'), why },
      { op: 'extend', size: 10_000_000n, why },
      { op: 'append', data: Buffer.from('tail'), why },
    );
    const { size, blocks } = statSync(path);
    assert.equal(size, 10_000_004);
    assert.ok(blocks * 512 < 1_000_000, `${blocks} blocks`);
    symlinkSync(rig.path('elsewhere'), rig.path('trap'));
    assert.equal(await failure({ op: 'file', path: rig.path('trap'), mode: 0o600, why }), '0 EEXIST');
    assert.equal(await failure({ op: 'append', data: Buffer.from('x'), why }), '0 EBADF');
    assert.equal(await failure({ op: 'extend', size: 1n, why }), '0 EBADF');
  });

  it('syncfs takes any existing path', async () => {
    assert.equal(await failure({ op: 'syncfs', path: rig.directory, why }), 'none');
    assert.equal(await failure({ op: 'syncfs', path: rig.path('nothing'), why }), '0 ENOENT');
  });

  it('rmtree removes a file, a link and a wide tree, and follows no link', async () => {
    const outside = rig.path('outside');
    mkdirSync(outside);
    writeFileSync(`${outside}/kept`, '');
    const tree = rig.path('tree');
    for (let i = 0; i < 30; i++) {
      mkdirSync(`${tree}/d${i}/e`, { recursive: true });
      for (let k = 0; k < 100; k++) writeFileSync(`${tree}/d${i}/file with a rather long name ${k}`, '');
      symlinkSync(outside, `${tree}/d${i}/e/link`);
    }
    symlinkSync(outside, rig.path('link'));
    await run({ op: 'rmtree', path: tree, why }, { op: 'rmtree', path: rig.path('link'), why });
    assert.deepEqual(
      [existsSync(tree), existsSync(rig.path('link')), existsSync(`${outside}/kept`)],
      [false, false, true],
    );
    assert.equal(await failure({ op: 'rmtree', path: tree, why }), '0 ENOENT');
  });

  it('rmtree removes a tree deeper than any path is long', async () => {
    const name = 'n'.repeat(100);
    const operations: Operation[] = [
      { op: 'mkdir', path: rig.path('deep'), mode: 0o755, why },
      { op: 'chdir', path: rig.path('deep'), why },
    ];
    for (let i = 0; i < 400; i++) {
      operations.push({ op: 'mkdir', path: name, mode: 0o755, why }, { op: 'chdir', path: name, why });
      operations.push({ op: 'touch', path: 'file', mode: 0o644, why });
    }
    await run(...operations);
    await run({ op: 'rmtree', path: rig.path('deep'), why });
    assert.equal(existsSync(rig.path('deep')), false);
  });

  it('rmtree leaves what is mounted below', async () => {
    const inside = rig.path('tree', 'a', 'mounted');
    const mount: Operation = { op: 'mount', source: 't', target: inside, type: 'tmpfs', flags: 0n, data: '', why };
    const result = await failure(
      { op: 'unshare', flags: 0x20000n, why },
      { op: 'mount', source: '', target: '/', type: '', flags: 0x44000n, data: '', why },
      { op: 'mkdirs', path: inside, mode: 0o755, why },
      mount,
      { op: 'touch', path: `${inside}/kept`, mode: 0o644, why },
      { op: 'rmtree', path: rig.path('tree'), why },
    );
    assert.equal(result, '5 EBUSY');
  });
});
