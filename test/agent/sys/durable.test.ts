import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonFile, removeStaleTemporaries, writeDurable } from '../../../src/agent/sys/durable.ts';
import { isKind } from '../../../src/base/errors.ts';

describe('a durable file', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync('/tmp/porthole-durable-test-');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('has its mode whatever the umask, and leaves nothing beside it', async () => {
    const before = process.umask(0o077);
    try {
      await writeDurable(join(directory, 'a'), 'one', { mode: 0o644 });
      await writeDurable(join(directory, 'a'), Buffer.from('two'), { mode: 0o640 });
    } finally {
      process.umask(before);
    }
    assert.equal(readFileSync(join(directory, 'a'), 'utf8'), 'two');
    assert.equal(statSync(join(directory, 'a')).mode & 0o7777, 0o640);
    assert.deepEqual(readdirSync(directory), ['a']);
  });

  it('is whole under many writers', async () => {
    const texts = Array.from({ length: 50 }, (_, index) => String(index).repeat(5000));
    await Promise.all(texts.map((text) => writeDurable(join(directory, 'a'), text, { mode: 0o600 })));
    assert.ok(texts.includes(readFileSync(join(directory, 'a'), 'utf8')));
    assert.deepEqual(readdirSync(directory), ['a']);
  });

  it('keeps the old content when the new cannot be written', async () => {
    await writeDurable(join(directory, 'a'), 'old', { mode: 0o600 });
    await assert.rejects(writeDurable(join(directory, 'no', 'a'), 'new', { mode: 0o600 }), /ENOENT/);
    await assert.rejects(writeDurable(directory, 'new', { mode: 0o600 }), /EISDIR|EBUSY|ENOTEMPTY|EEXIST/);
    assert.equal(readFileSync(join(directory, 'a'), 'utf8'), 'old');
    assert.deepEqual(readdirSync(directory), ['a']);
  });

  it('is cleaned up after by the next start', async () => {
    writeFileSync(join(directory, '.tmp-a.123'), 'half');
    writeFileSync(join(directory, 'b'), 'whole');
    await removeStaleTemporaries(directory);
    await removeStaleTemporaries(join(directory, 'not-there'));
    assert.deepEqual(readdirSync(directory), ['b']);
  });

  it('is read as JSON, and says when it is none', async () => {
    writeFileSync(join(directory, 'good'), '{"a":1}');
    writeFileSync(join(directory, 'bad'), '{"a":');
    assert.deepEqual(await readJsonFile(join(directory, 'good')), { a: 1 });
    assert.equal(await readJsonFile(join(directory, 'none')), undefined);
    await assert.rejects(
      readJsonFile(join(directory, 'bad')),
      (failure) => isKind(failure, 'internal') && /bad/.test(failure.message),
    );
  });
});
