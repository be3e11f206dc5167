import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import Dockerode from 'dockerode';
import { BuildFailure, followBuild } from '../../../src/extension/build/answers.ts';
import { packContext } from '../../../src/extension/build/context.ts';
import { recipeOf } from '../../../src/extension/build/recipe.ts';
import { type Dockerd, startDockerd } from '../../support/dockerd.ts';
import { requires } from '../../support/tools.ts';

describe('a build of a real dockerd that fails', function () {
  this.timeout(180_000);
  let dockerd: Dockerd | undefined;
  let directory: string;

  before(async function () {
    requires(this, { root: true, programs: ['dockerd'] });
    directory = await mkdtemp(join(tmpdir(), 'porthole-failing-'));
    dockerd = await startDockerd();
  });
  after(async () => {
    await dockerd?.stop();
    if (directory) await rm(directory, { recursive: true, force: true });
  });

  it('names its step, and the step the line', async () => {
    const text = [
      '# a comment',
      'ARG UNUSED=1',
      'FROM scratch AS base',
      'COPY here /',
      '',
      'FROM base',
      'LABEL a=b \\',
      '  c=d',
      'COPY \\',
      '  missing /',
      'LABEL e=f',
      '',
    ].join('\n');
    await writeFile(join(directory, 'Dockerfile'), text);
    await writeFile(join(directory, 'here'), 'x');
    const docker = new Dockerode({ socketPath: dockerd?.socket });
    const context = Readable.from(await packContext(join(directory, 'Dockerfile')));
    const answer = await docker.buildImage(context, { t: 'failing:1', dockerfile: 'Dockerfile' });
    const listener = { say: () => undefined, step: () => undefined };
    const failure = await followBuild(answer, listener).catch((thrown: unknown) => thrown);
    assert.ok(failure instanceof BuildFailure, String(failure));
    assert.match(failure.message, /missing/);
    assert.equal(failure.lines, undefined, 'dockerd names no line');
    assert.deepEqual(recipeOf(text).steps[(failure.step ?? 0) - 1], { start: 9, end: 10 });
  });
});
