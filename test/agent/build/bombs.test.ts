import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { docker, type Engine } from '../../conformance/engine.ts';
import { type RunningAgent, startAgent } from '../../support/agent.ts';
import { requires } from '../../support/tools.ts';

const exec = promisify(execFile);

/** What a build is sent is small, what it becomes is not: it is said, with a limit that `serve` was told, and nothing stays. */
describe('build: bombs', function () {
  this.timeout(180_000);
  let agent: RunningAgent;
  let engine: Engine;
  let directory: string;
  before(async function () {
    requires(this, { root: true, programs: ['docker', 'tar', 'gzip'] });
    directory = await mkdtemp(join(tmpdir(), 'porthole-bombs-'));
    agent = await startAgent({ flags: ['--max-layer-size', '8m'] });
    engine = { name: 'porthole', host: `unix://${agent.socket}` };
    await writeFile(join(directory, 'zeros'), '');
    await truncate(join(directory, 'zeros'), 20 << 20);
    for (const [name, flags] of [
      ['packed.tar.gz', '-czf'],
      ['sparse.tar.gz', '-cSzf'],
    ] as const) {
      await exec('tar', [flags, name, 'zeros'], { cwd: directory });
    }
  });
  after(async () => {
    await agent?.stop();
    if (directory) await rm(directory, { recursive: true, force: true });
  });

  async function refused(dockerfile: string, ignored: string, words: RegExp): Promise<void> {
    await writeFile(join(directory, 'Dockerfile'), dockerfile);
    await writeFile(join(directory, '.dockerignore'), ignored);
    const { code, stdout, stderr } = await docker(engine, ['build', directory], { timeoutMs: 120_000 });
    assert.notEqual(code, 0, stdout);
    assert.match(stderr, words);
    assert.equal((await docker(engine, ['images', '-aq'])).stdout, '');
    assert.deepEqual(await readdir(join(agent.dataRoot, 'builds', 'work')), []);
    assert.deepEqual(await readdir(join(agent.dataRoot, 'layers')), ['empty']);
  }

  it('ADD of an archive that is packed', () =>
    refused(
      'FROM scratch\nADD packed.tar.gz /\n',
      'zeros',
      /'packed.tar.gz' is too large: it unpacks to more than 8388608/,
    ));

  it('ADD of an archive whose files are holes', () =>
    refused('FROM scratch\nADD sparse.tar.gz /\n', 'zeros', /the layer is too large: it unpacks to more than 8388608/));

  it('COPY of a context that is one', () =>
    refused('FROM scratch\nCOPY zeros /\n', '', /the build context is too large: it unpacks to more than 8388608/));
});
