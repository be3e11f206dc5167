import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ContainerInspectInfo, ImageInspectInfo } from 'dockerode';
import tar from 'tar-stream';
import { runLine } from '../../../src/extension/commands/run-line.ts';
import { extractBelow, saveStream } from '../../../src/extension/commands/transfer.ts';
import { historyTable } from '../../../src/extension/editors/history.ts';
import { filesOf, filesRoute, filesUriParts } from '../../../src/extension/fs/uris.ts';
import { parseCount, parseCpus, parseMemory } from '../../../src/extension/typed-limits.ts';

type EntryOfTest = Parameters<tar.Pack['entry']>[0] & { readonly content?: string };

describe('limits that people type', () => {
  it('memory', () => {
    const cases: readonly [string, number | undefined][] = [
      ['64m', 64 << 20],
      ['1.5 GiB', 1.5 * 2 ** 30],
      ['2GB', 2 ** 31],
      ['512', 512],
      ['', 0],
      ['much', undefined],
      ['-1', undefined],
      ['9999999999t', undefined],
    ];
    for (const [text, bytes] of cases) assert.equal(parseMemory(text), bytes, text);
  });
  it('CPUs and counts', () => {
    assert.deepEqual(['0.5', '2', '', 'x'].map(parseCpus), [5e8, 2e9, 0, undefined]);
    assert.deepEqual(['100', '', '1.5', '-1'].map(parseCount), [100, 0, undefined, undefined]);
  });
});

describe('the docker run line of a container', () => {
  const container = (config: object, host: object = {}): ContainerInspectInfo =>
    JSON.parse(JSON.stringify({ Name: '/web', Config: { Image: 'img', Cmd: ['run'], ...config }, HostConfig: host }));
  const image: ImageInspectInfo = JSON.parse(
    JSON.stringify({ Config: { Cmd: ['run'], Env: ['PATH=/bin'], Labels: { a: '1' }, WorkingDir: '/w' } }),
  );

  it('says nothing of what the image says, and nothing of defaults', () => {
    const config = { Env: ['PATH=/bin'], Labels: { a: '1' }, WorkingDir: '/w' };
    assert.equal(
      runLine(container(config, { NetworkMode: 'default', RestartPolicy: { Name: 'no' } }), image),
      'docker run --detach --name web img',
    );
  });

  it('says the rest, quoted for a shell', () => {
    const line = runLine(
      container(
        { Env: ['PATH=/bin', "WORDS=it's $HOME"], Entrypoint: ['sh', '-c'], Cmd: ['echo hi; sleep 1'], Tty: true },
        {
          Memory: 1024,
          NanoCpus: 5e8,
          Binds: ['/a b:/c'],
          PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }] },
          RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
        },
      ),
      image,
    );
    assert.equal(
      line,
      "docker run --detach --name web --tty --restart on-failure:3 --memory 1024 --cpus 0.5 --volume '/a b:/c' " +
        "--publish 127.0.0.1:8080:80/tcp --env 'WORDS=it'\\''s $HOME' --entrypoint sh img -c 'echo hi; sleep 1'",
    );
    // What a shell makes of it are the words that were meant.
    const words = execFileSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' }).split('\n');
    assert.ok(words.includes("WORDS=it's $HOME") && words.includes('echo hi; sleep 1'));
  });
});

describe('what comes out of a container onto this computer', () => {
  let dir: string;
  const signal = new AbortController().signal;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'porthole-out-'));
    mkdirSync(join(dir, 'into'));
    writeFileSync(join(dir, 'outside'), 'mine');
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));
  const unpack = (entries: readonly EntryOfTest[]): Promise<void> => {
    const pack = tar.pack();
    for (const { content = '', ...header } of entries) pack.entry(header, content);
    pack.finalize();
    return extractBelow(Readable.from(pack), join(dir, 'into'), signal);
  };

  it('is files, directories and links, without setuid bits, owners and devices', async () => {
    await unpack([
      { name: 'd', type: 'directory', mode: 0o755 },
      { name: 'd/f', mode: 0o4755, uid: 12, content: 'hello' },
      { name: 'd/l', type: 'symlink', linkname: 'f' },
      { name: 'd/null', type: 'character-device', devmajor: 1, devminor: 3 },
    ]);
    const status = lstatSync(join(dir, 'into/d/f'));
    assert.deepEqual([status.mode & 0o7777, status.uid], [0o755, process.getuid?.()]);
    assert.equal(readFileSync(join(dir, 'into/d/l'), 'utf8'), 'hello');
    assert.throws(() => lstatSync(join(dir, 'into/d/null')), { code: 'ENOENT' });
  });

  const hostile: readonly {
    readonly what: string;
    readonly entries: readonly EntryOfTest[];
  }[] = [
    { what: 'a name that climbs', entries: [{ name: '../outside', content: 'theirs' }] },
    { what: 'a link that leads out', entries: [{ name: 'l', type: 'symlink', linkname: '../outside' }] },
    { what: 'a hard link that leads out', entries: [{ name: 'l', type: 'link', linkname: '../outside' }] },
  ];
  for (const { what, entries } of hostile) {
    it(`is not ${what}`, async () => {
      await unpack(entries).catch(() => undefined);
      assert.equal(readFileSync(join(dir, 'outside'), 'utf8'), 'mine');
      assert.throws(() => lstatSync(join(dir, 'into/l')), { code: 'ENOENT' });
    });
  }

  it('does not go through a directory that is a link of this computer', async () => {
    mkdirSync(join(dir, 'elsewhere'));
    chmodSync(join(dir, 'elsewhere'), 0o755);
    symlinkSync('../elsewhere', join(dir, 'into/d'));
    await assert.rejects(unpack([{ name: 'd/f', content: 'theirs' }]));
    assert.throws(() => lstatSync(join(dir, 'elsewhere/f')), { code: 'ENOENT' });
  });

  it('is a whole file or none', async () => {
    const file = join(dir, 'saved');
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from('part');
        throw new Error('cut');
      })(),
    );
    await assert.rejects(saveStream(broken, { file, signal, say: () => undefined }), /cut/);
    assert.throws(() => lstatSync(file), { code: 'ENOENT' });
    assert.throws(() => lstatSync(`${file}.partial`), { code: 'ENOENT' });
    let told = 0;
    const say = (bytes: number) => {
      told = bytes;
    };
    await saveStream(Readable.from([Buffer.from('all'), Buffer.from(' of it')]), { file, signal, say });
    assert.equal(readFileSync(file, 'utf8'), 'all of it');
    assert.equal(told, 9);
  });
});

describe('addresses of files', () => {
  it('hold whose they are, whatever hosts and volumes are called', () => {
    for (const host of ['local', 'ssh:Root@Web:22', 'ssh:主机']) {
      for (const id of ['Data.1', 'x'.repeat(64)]) {
        const of = { kind: 'volume', host, engine: 'porthole', id } as const;
        const parts = filesUriParts(of, 'a/b');
        assert.match(parts.authority, /^[a-z0-9.]+$/);
        assert.equal(parts.path, '/a/b');
        assert.deepEqual(filesOf(parts.authority), of);
      }
    }
    assert.equal(filesRoute({ kind: 'volume', host: 'h', engine: 'porthole', id: 'a b' }), '/volumes/a%20b');
    assert.equal(filesOf('nothing.of.ours'), undefined);
  });
});

describe('the history of an image as a table', () => {
  const words = { created: 'Created', size: 'Size', instruction: 'Instruction', comment: 'Comment' };
  const step = (CreatedBy: string, more: object = {}) => ({ Id: 'x', Created: 0, CreatedBy, Size: 0, ...more });

  it('has the newest step first, cleaned of what builders add, with names and comments below', () => {
    const history = [
      step('/bin/sh -c #(nop)  CMD ["sh"]', { Created: 1_700_000_000, Tags: ['a:1'] }),
      step('RUN /bin/sh -c make # buildkit', { Size: 5_000_000, Comment: 'built' }),
    ];
    assert.deepEqual(historyTable(history, words).split('\n'), [
      'Created              Size  Instruction  # Comment',
      '2023-11-14 22:13:20   0 B  CMD ["sh"]',
      '                           # a:1',
      '                     5 MB  RUN make',
      '                           # built',
      '',
    ]);
  });

  it('lets nothing in it move a cursor or turn a line around', () => {
    const text = historyTable([step('RUN \u001b[2Jx\u202ey', { Comment: 'a\nb' })], words);
    assert.ok(!text.includes('\u001b') && !text.includes('\u202e'), text);
    assert.equal(text.split('\n').length, 4);
  });
});
