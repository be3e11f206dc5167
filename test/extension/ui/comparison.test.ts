import assert from 'node:assert/strict';
import * as v from 'valibot';
import { parseSource, uriParts } from '../../../src/extension/editors/uris.ts';
import { isOnlyMetadata, partsOf, sidesOf } from '../../../src/extension/layers/comparison.ts';
import type { LayerChange, LayerEntry } from '../../../src/protocol/layers.ts';
import { FromPage } from '../../../src/protocol/pages.ts';
import { ReadingSchema, ToBirth, ToUsage, TraceSchema } from '../../../src/protocol/panels.ts';
import { matches, summarize, timeline } from '../../../webview/birth/timeline.ts';
import { cpuPercent, Series } from '../../../webview/usage/series.ts';
import { reading, trace } from './fixtures.ts';

const image = { host: 'local', engine: 'porthole' as const, id: 'sha256:abc' };
const file = (size: number): LayerEntry => ({
  path: 'etc/motd',
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size,
  mtime: 7,
});

describe('A comparison with the layers below', () => {
  const common = {
    kind: 'file',
    host: 'local',
    engine: 'porthole' as const,
    image: 'sha256:abc',
    path: 'etc/motd',
    mtime: 7,
  };

  it('takes a modified file from below and from the layer', () => {
    const change: LayerChange = {
      path: 'etc/motd',
      kind: 'modified',
      differs: ['content'],
      before: file(1),
      after: file(2),
    };
    const { left, right } = sidesOf(image, 3, change);
    assert.deepEqual(left.source, { ...common, position: 2, from: 'merged', size: 1 });
    assert.deepEqual(right.source, { ...common, position: 3, from: 'layer', size: 2 });
  });

  it('puts nothing beside what was added or deleted', () => {
    const empty = { kind: 'text', text: '' };
    assert.deepEqual(sidesOf(image, 0, { path: 'etc/motd', kind: 'added', after: file(2) }).left.source, empty);
    assert.deepEqual(sidesOf(image, 1, { path: 'etc/motd', kind: 'deleted', before: file(2) }).right.source, empty);
  });

  it('takes what a container changed from the container itself, and what lies below from its image', () => {
    const container = { host: 'local', engine: 'porthole' as const, id: 'c0ffee' };
    const stacked = { ...image, own: { container, position: 4 } };
    const change: LayerChange = {
      path: 'etc/motd',
      kind: 'modified',
      differs: ['content'],
      before: file(1),
      after: file(2),
    };
    const { left, right } = sidesOf(stacked, 4, change);
    assert.deepEqual(left.source, { ...common, position: 3, from: 'merged', size: 1 });
    // The engine's own layer, which is between the two, is in no image.
    assert.deepEqual(sidesOf(stacked, 5, change).left.source, left.source);
    assert.deepEqual(right.source, { kind: 'live', container });
    assert.deepEqual([partsOf(right).scheme, partsOf(right).path], ['porthole-files', '/etc/motd']);
    assert.deepEqual(sidesOf(stacked, 3, change).right.source, { ...common, position: 3, from: 'layer', size: 2 });
  });

  it('shows where a link points to', () => {
    const after: LayerEntry = { ...file(0), type: 'symlink', link: '../run/motd' };
    const { right } = sidesOf(image, 1, {
      path: 'etc/motd',
      kind: 'modified',
      differs: ['type'],
      before: file(1),
      after,
    });
    assert.deepEqual(right.source, { kind: 'text', text: '../run/motd\n' });
  });

  it('knows when the content is the same', () => {
    const change = (...differs: NonNullable<LayerChange['differs']>): LayerChange => ({
      path: 'x',
      kind: 'modified',
      differs,
    });
    assert.equal(isOnlyMetadata(change('mode', 'time')), true);
    assert.equal(isOnlyMetadata(change('mode', 'content')), false);
  });

  it('survives the way through a URI, whatever the file is called', () => {
    const path = 'tmp/a?b#c %41/\u4e2d\u6587.txt';
    const source = { ...common, kind: 'file' as const, position: 0, from: 'layer' as const, size: 1, path };
    assert.deepEqual(parseSource(uriParts(path, source).query), source);
    assert.equal(partsOf({ path: `/${path}`, source }).path, `/${path}`);
    const { engine, ...old } = source;
    const kept = { ...source, engine };
    assert.deepEqual(parseSource(JSON.stringify(old)), kept, 'one that a window kept from before there were engines');
  });

  it('refuses URIs that are not ours', () => {
    for (const query of ['', '{', '[]', '{"kind":"file"}', '{"kind":"file","position":-1}', '{"kind":"shell"}']) {
      assert.equal(parseSource(query), undefined, query);
    }
  });
});

describe('The timeline of a birth', () => {
  it('places steps one after another on one scale', () => {
    const rows = timeline(trace);
    const birth = rows.filter(({ step }) => step.list !== 'after');
    assert.equal(birth[0]?.offset, 0);
    for (const [index, row] of birth.entries()) {
      const before = birth[index - 1];
      if (before) assert.ok(Math.abs(before.offset + before.share - row.offset) < 1e-9);
    }
    const last = birth.at(-1);
    assert.ok(last && Math.abs(last.offset + last.share - 1) < 1e-9);
  });

  it('sums up without what happens after the end', () => {
    const { nanoseconds, done, tolerated, failed, notRun, slowest } = summarize(trace);
    assert.deepEqual([nanoseconds, done, tolerated, failed, notRun, slowest?.op], [1_521_000, 10, 1, 0, 0, 'spawn']);
  });

  it('finds steps by all words of the filter', () => {
    const found = (filter: string) => trace.steps.filter((step) => matches(step, filter)).map((step) => step.op);
    assert.deepEqual(found('PROC mask'), ['mask', 'mask']);
    assert.deepEqual(found('enoent'), ['mask']);
    assert.equal(found('').length, trace.steps.length);
    assert.deepEqual(found('no such words'), []);
  });
});

describe('The series of readings', () => {
  it('gives CPU from two readings, in percent of one CPU', () => {
    const cpu = (at: number, usage: number) => ({
      ...reading(0),
      at,
      cpu: { ...(reading(0).cpu ?? assert.fail()), usage },
    });
    assert.equal(cpuPercent(cpu(0, 0), cpu(1000, 500_000_000)), 50);
    assert.equal(cpuPercent(undefined, cpu(1000, 5)), undefined);
    assert.equal(cpuPercent(cpu(0, 100), cpu(1000, 5)), undefined, 'a new life counts from zero');
  });

  it('keeps the last ones, drops what comes twice, and shows gaps as such', () => {
    const series = new Series(3);
    for (const second of [0, 1, 1, 2, 3, 4]) series.add(reading(second));
    assert.equal(series.samples.length, 3);
    const { memory: _memory, ...without } = reading(5);
    series.add(without);
    assert.equal(series.column('memory').at(-1), null);
    assert.equal(series.column('pids').length, 3);
  });
});

describe('Messages between extension and webviews', () => {
  const valid = <T>(schema: v.GenericSchema<unknown, T>, value: unknown) => v.safeParse(schema, value).success;

  it('pass when they are well formed', () => {
    assert.ok(valid(FromPage, { type: 'ready' }));
    assert.ok(valid(TraceSchema, trace));
    assert.ok(valid(ReadingSchema, reading(3)));
    assert.ok(valid(ToBirth, { type: 'trace', trace, planned: false }));
    assert.ok(valid(ToUsage, { type: 'reading', reading: reading(3) }));
  });

  it('are refused when they are not', () => {
    for (const message of [null, 'ready', {}, { type: 'run', command: 'x' }, { type: 'copy', text: 7 }]) {
      assert.equal(valid(FromPage, message), false, JSON.stringify(message));
    }
    assert.equal(valid(TraceSchema, { ...trace, steps: [{ ...trace.steps[0], result: { state: 'fine' } }] }), false);
    assert.equal(valid(ReadingSchema, { ...reading(1), memory: { current: 'much' } }), false);
    assert.equal(valid(ToUsage, { type: 'trace', trace, planned: false }), false);
  });
});
