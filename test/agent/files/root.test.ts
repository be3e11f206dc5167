import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { FileRoot, OpenFile } from '../../../src/agent/files/contract.ts';
import { FileFailure } from '../../../src/agent/files/errors.ts';
import { openFileRoot } from '../../../src/agent/files/root.ts';
import type { HostFacts } from '../../../src/agent/plan/facts.ts';
import { createShims } from '../../../src/agent/shim/client.ts';
import { readHostFacts } from '../../../src/agent/sys/facts.ts';
import { bytesOf, nameOf } from '../../../src/agent/sys/names.ts';
import { requires } from '../../support/tools.ts';
import { freshShim } from '../shim/rig.ts';

describe('files of a root that is not trusted', function () {
  this.timeout(30_000);
  let host: HostFacts;
  let directory: string;
  let root: FileRoot;
  before(async function () {
    requires(this, { root: true });
    host = await readHostFacts();
  });
  beforeEach(async () => {
    directory = mkdtempSync('/tmp/porthole-files-');
    mkdirSync(at('inside'));
    root = await openFileRoot(
      { shims: createShims({ path: freshShim() }), host },
      { kind: 'directory', path: at('inside') },
    );
  });
  afterEach(async () => {
    await root.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const at = (...parts: string[]): string => join(directory, ...parts);
  const inside = (...parts: string[]): string => at('inside', ...parts);

  it('lists, describes and reads what is there', async () => {
    mkdirSync(inside('d'), { mode: 0o751 });
    writeFileSync(inside('d', 'a'), 'content', { mode: 0o640 });
    linkSync(inside('d', 'a'), inside('d', 'b'));
    symlinkSync('../x', inside('d', 'l'));
    await root.do({ op: 'setxattr', path: '/d/a', name: 'user.k', value: Buffer.from('v'), why: 'test' });
    assert.deepEqual(await root.names('/d'), ['a', 'b', 'l']);
    const [a, b, l, none] = await root.describe(['/d/a', '/d/b', '/d/l', '/d/none']);
    assert.deepEqual([a?.type, a?.mode, a?.size, a?.links], ['file', 0o640, 7, 2]);
    assert.ok(a?.inode);
    assert.equal(a?.inode, b?.inode);
    assert.deepEqual([...(a?.xattrs ?? [])], [['user.k', Buffer.from('v')]]);
    assert.deepEqual([l?.type, l?.link], ['symlink', '../x']);
    assert.equal(none, undefined);
    const file = await root.open('/d/a');
    assert.equal(await textOf(file), 'content');
    assert.equal(await textOf(file, { start: 1, end: 3 }), 'ont');
  });

  it('names that are not UTF-8 are found again, also many of them', async () => {
    const odd = Buffer.concat([Buffer.from(`${inside()}/n`), Buffer.from([0xff, 0x2d, 0xc3])]);
    writeFileSync(odd, '');
    for (let number = 0; number < 3000; number++) writeFileSync(inside(`${'long'.repeat(20)}${number}`), '');
    const names = await root.names('/');
    assert.equal(names.length, 3001);
    const found = names.find((name) => name.startsWith('n')) ?? '';
    assert.deepEqual(bytesOf(found), Buffer.from([0x6e, 0xff, 0x2d, 0xc3]));
    assert.equal((await root.status(`/${found}`))?.type, 'file');
    assert.equal(nameOf(bytesOf(found)), found);
    assert.equal((await root.describe(names.map((name) => `/${name}`))).every(Boolean), true);
  });

  it('holes are told, not read', async () => {
    writeFileSync(inside('sparse'), 'head');
    truncateSync(inside('sparse'), 1 << 30);
    const pieces = [];
    for await (const piece of (await root.open('/sparse')).pieces()) pieces.push(piece);
    const holes = pieces.reduce((sum, piece) => sum + ('hole' in piece ? piece.hole : 0), 0);
    const data = Buffer.concat(pieces.filter(Buffer.isBuffer));
    assert.equal(holes + data.length, 1 << 30);
    assert.ok(data.length <= 65_536);
    assert.equal(data.toString('latin1', 0, 4), 'head');
  });

  it('links and dots end at the root, and no special file is opened', async () => {
    writeFileSync(at('secret'), 'of the host');
    symlinkSync('../secret', inside('relative'));
    symlinkSync(at('secret'), inside('absolute'));
    symlinkSync('/../../..', inside('up'));
    execFileSync('mkfifo', [inside('fifo')]);
    execFileSync('mknod', [inside('null'), 'c', '1', '3']);
    assert.equal(await root.status('/relative/.'), undefined);
    assert.equal(await root.status('/../secret'), undefined);
    assert.equal(await root.resolve('/up/up/fifo'), '/fifo');
    assert.equal(await root.resolve('/absolute'), at('secret'));
    assert.equal(await root.status(await root.resolve('/absolute')), undefined);
    assert.deepEqual(await root.names('/up/.'), await root.names('/'));
    await assert.rejects(root.open('/relative'), { code: 'ELOOP' });
    await assert.rejects(root.open('/fifo'), { code: 'EOPNOTSUPP' });
    await assert.rejects(root.open('/null'), { code: 'EACCES' });
    await assert.rejects(root.names('/up'), FileFailure);
  });

  it('loops of links end', async () => {
    symlinkSync('b', inside('a'));
    symlinkSync('a', inside('b'));
    await assert.rejects(root.resolve('/a/x'), { code: 'ELOOP', kind: 'invalid' });
  });

  it('writes whole files, makes, renames and removes; a failure leaves nothing and the root usable', async () => {
    await root.mkdir('/d', { mode: 0o1750, uid: 7, gid: 8 });
    await root.write('/d/f', Readable.from([Buffer.from('one'), Buffer.from('two')]), { mode: 0o4711, uid: 5, gid: 6 });
    const [d, f] = await root.describe(['/d', '/d/f']);
    assert.deepEqual([d?.mode, d?.uid, d?.gid], [0o1750, 7, 8]);
    assert.deepEqual([f?.mode, f?.uid, f?.gid, f?.size], [0o4711, 5, 6, 6]);
    const broken = Readable.from(
      (function* () {
        yield Buffer.from('part');
        throw new Error('the client went away');
      })(),
    );
    await assert.rejects(root.write('/d/f', broken, { mode: 0o600, uid: 0, gid: 0 }), /went away/);
    assert.equal(readFileSync(inside('d', 'f'), 'utf8'), 'onetwo');
    await root.rename('/d/f', '/g');
    assert.deepEqual(await root.names('/d'), []);
    await assert.rejects(root.mkdir('/d', { mode: 0o755, uid: 0, gid: 0 }), { kind: 'conflict' });
    await assert.rejects(root.rename('/none', '/x'), { kind: 'not-found' });
    await root.remove('/d');
    assert.deepEqual(await root.names('/'), ['g']);
  });

  it('what is mounted below, and the mounts made for it, are nowhere to be seen', async () => {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
    assert.ok(!mounts.includes(directory));
  });
});

async function textOf(file: OpenFile, range?: { start: number; end: number }): Promise<string> {
  const parts: Buffer[] = [];
  for await (const piece of file.pieces(range)) parts.push('hole' in piece ? Buffer.alloc(piece.hole) : piece);
  return Buffer.concat(parts).toString();
}
