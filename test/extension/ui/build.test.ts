import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { BuildFailure, followBuild } from '../../../src/extension/build/answers.ts';
import { packContext } from '../../../src/extension/build/context.ts';
import { buildArgs, nameFor, recipeOf } from '../../../src/extension/build/recipe.ts';

describe('A build context', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'porthole-context-'));
    await mkdir(join(directory, 'kept/deep'), { recursive: true });
    await mkdir(join(directory, 'left/deep'), { recursive: true });
    for (const name of ['Dockerfile', 'kept/deep/a', 'left/out', 'left/deep/back', 'script'])
      await writeFile(join(directory, name), name);
    await chmod(join(directory, 'script'), 0o755);
    await symlink('kept/deep/a', join(directory, 'link'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  async function packed(ignore: string): Promise<Map<string, { type: unknown; mode: unknown; uid: unknown }>> {
    await writeFile(join(directory, '.dockerignore'), ignore);
    const found = new Map<string, { type: unknown; mode: unknown; uid: unknown }>();
    const entries = extract();
    Readable.from(await packContext(join(directory, 'Dockerfile'))).pipe(entries);
    for await (const entry of entries) {
      const { name, type, mode = 0, uid } = entry.header;
      found.set(name.replace(/\/$/, ''), { type, mode: mode & 0o777, uid });
      entry.resume();
    }
    return found;
  }

  it('has everything, with modes and links as they are, owned by root', async () => {
    const found = await packed('');
    assert.deepEqual(found.get('script'), { type: 'file', mode: 0o755, uid: 0 });
    assert.equal(found.get('link')?.type, 'symlink');
    assert.ok(found.has('left/deep/back') && found.has('kept/deep/a'));
  });

  it('lacks what is left out, but for what a later pattern takes back, and keeps what the engine has to read', async () => {
    const names = [...(await packed('left\n!left/deep/back\nDockerfile\n.dockerignore\n')).keys()];
    assert.ok(!names.includes('left/out'), names.join());
    for (const name of ['left/deep/back', 'Dockerfile', '.dockerignore', 'script'])
      assert.ok(names.includes(name), name);
    assert.ok(![...(await packed('left\n')).keys()].some((name) => name.startsWith('left')));
  });
});

describe('A Dockerfile before it is built', () => {
  it('has stages, arguments and bases to ask for', () => {
    const text = 'ARG V=1\nFROM alpine:$V AS One\nARG A B=2\nFROM one AS two\nFROM r.example.org/x:1\nFROM scratch\n';
    const { steps, ...rest } = recipeOf(text);
    assert.deepEqual(rest, { stages: ['one', 'two'], args: ['V', 'A', 'B'], bases: ['r.example.org/x:1'] });
    assert.deepEqual(
      steps.map(({ start }) => start),
      [1, 2, 3, 4, 5, 6],
    );
    assert.deepEqual(recipeOf('FROM a AS only\n').stages, [], 'there is nothing to choose');
    assert.deepEqual(
      recipeOf('NONSENSE\n'),
      { stages: [], args: [], bases: [], steps: [] },
      'the engine says what is wrong',
    );
  });

  it('gives its image the name of its directory', () => {
    assert.equal(nameFor('My Shop (2)'), 'my-shop-2:latest');
    assert.equal(nameFor('中文'), 'image:latest');
  });

  it('takes arguments with a value, or from the environment', () => {
    assert.deepEqual(buildArgs(['A=1=2', 'HOME', 'NONE', 'E='], { HOME: '/h' }), { A: '1=2', HOME: '/h', E: '' });
  });
});

describe('The answers of a build', () => {
  const follow = async (lines: readonly object[]) => {
    const told = { text: '', steps: [] as string[] };
    const stream = Readable.from([Buffer.from(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(''))]);
    const listener = { say: (text: string) => (told.text += text), step: (line: string) => told.steps.push(line) };
    const id = await followBuild(stream, listener).catch((failure: unknown) => failure);
    return { ...told, id };
  };

  it('are text and steps, and the image at the end', async () => {
    const { id, text, steps } = await follow([
      { stream: 'Step 1/2 : FROM a\n' },
      { status: 'Downloading', id: 'x', progress: '[=> ]' },
      { status: 'Pull complete', id: 'x' },
      { stream: '\u001b[91mwarned\u001b[0m\n' },
      { aux: { ID: 'sha256:1' } },
    ]);
    assert.equal(id, 'sha256:1');
    assert.equal(text, 'Step 1/2 : FROM a\nx: Pull complete\nwarned\n');
    assert.deepEqual(steps, ['Step 1/2 : FROM a']);
  });

  it('tell which step went wrong where nobody says the line', async () => {
    for (const words of ['Step 2/3 : RUN no\n', 'STEP 2/3: RUN no\n']) {
      const { id } = await follow([
        { stream: 'Step 1/3 : FROM a\n' },
        { stream: words },
        { stream: 'x' },
        { error: 'no' },
      ]);
      assert.ok(id instanceof BuildFailure);
      assert.deepEqual([id.step, id.lines], [2, undefined]);
    }
  });

  it('tell what went wrong and where', async () => {
    const { id, text } = await follow([{ error: 'no', porthole: { lines: { start: 2, end: 3 }, hint: 'yes?' } }]);
    assert.ok(id instanceof BuildFailure);
    assert.equal(id.message, 'no\nyes?');
    assert.deepEqual(id.lines, { start: 2, end: 3 });
    assert.equal(text, 'no\nyes?\n');
  });
});
