import assert from 'node:assert/strict';
import * as v from 'valibot';
import { parseSource, uriParts } from '../../../src/extension/editors/uris.ts';
import { isOnlyMetadata, partsOf, sidesOf } from '../../../src/extension/layers/comparison.ts';
import { engineReading } from '../../../src/extension/panels/engine-reading.ts';
import { changeOf } from '../../../src/extension/panels/limit-change.ts';
import type { LayerChange, LayerEntry } from '../../../src/protocol/layers.ts';
import { FromPage } from '../../../src/protocol/pages.ts';
import { ReadingSchema, ToBirth, TraceSchema } from '../../../src/protocol/panels.ts';
import { ToUsage } from '../../../src/protocol/usage-page.ts';
import { matches, summarize, timeline } from '../../../webview/birth/timeline.ts';
import { Series, within } from '../../../webview/usage/series.ts';
import { pastUsage, reading, trace } from './fixtures.ts';

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
  it('drops what comes twice, and shows an end as a gap', () => {
    const series = new Series();
    for (const second of [0, 1, 1, 2]) series.add(reading(second));
    series.end(reading(3).at);
    series.end(reading(4).at);
    series.add(reading(5));
    assert.deepEqual(
      series.points.map(({ memory }) => memory !== undefined),
      [true, true, true, false, true],
    );
    assert.deepEqual(
      series.points.map(({ cpu }) => cpu !== undefined),
      [false, true, true, false, false],
    );
  });

  it('has the past before what was read here, and both for an hour', () => {
    const series = new Series();
    series.add(reading(0));
    series.setPast({ ...pastUsage, at: [...pastUsage.at.slice(1), reading(7).at] });
    assert.equal(series.points.length, pastUsage.at.length);
    series.add(reading(3_000));
    assert.ok((series.points[0]?.at ?? 0) >= reading(-600).at);
    assert.equal(within(series.points, { minutes: 1, to: reading(3_000).at }).length, 1);
  });
});

describe('Typed limits', () => {
  const now = { ...reading(0), limits: { memory: { max: 67_108_864, swap: 1 << 20 } } };

  it('are what the engine takes; memory leaves swap as it was', () => {
    assert.deepEqual(changeOf({ cpus: '1.5', memory: '128m', pids: '', cpuset: ' 0-1 ' }, now), {
      change: { NanoCpus: 1.5e9, Memory: 128 << 20, MemorySwap: 129 << 20, PidsLimit: 0, CpusetCpus: '0-1' },
    });
    assert.deepEqual(changeOf({ swap: '' }, now), { change: { MemorySwap: -1 } });
    assert.deepEqual(changeOf({ swap: '2m' }, now), { change: { MemorySwap: 67_108_864 + (2 << 20) } });
    assert.deepEqual(changeOf({ memory: '128 MiB' }, undefined), { change: { Memory: 128 << 20 } });
  });

  for (const typed of [
    ...[{ cpus: 'two' }, { memory: 'much' }, { memory: '' }, { reservation: '1 x' }],
    ...[{ pids: '-1' }, { shares: '' }, { swap: 'x' }],
  ]) {
    it(`that cannot be are named: ${JSON.stringify(typed)}`, () => assert.ok('problem' in changeOf(typed, now)));
  }
});

describe('Figures of other engines', () => {
  const figures = {
    read: '2026-01-01T00:00:00Z',
    cpu_stats: {
      cpu_usage: { total_usage: 500, usage_in_kernelmode: 100, usage_in_usermode: 400 },
      throttling_data: { periods: 10, throttled_periods: 2, throttled_time: 7 },
    },
    memory_stats: { usage: 1000, limit: 4096, stats: { anon: 600, file: 300, inactive_file: 5 } },
    pids_stats: { current: 3, limit: 2 ** 64 },
    blkio_stats: {
      io_service_bytes_recursive: [{ major: 8, minor: 0, op: 'Read', value: 50 }],
      io_serviced_recursive: null,
    },
  };

  it('are a reading', () => {
    assert.deepEqual(engineReading(figures, { id: 'x', hasMemoryLimit: true, cpus: 0.5 }), {
      ...{ at: Date.parse(figures.read), version: 2, path: 'x' },
      cpu: { usage: 500, user: 400, system: 100, throttledTime: 7, throttledPeriods: 2, periods: 10, limit: 0.5 },
      memory: { current: 1000, anon: 600, file: 300, inactiveFile: 5, limit: 4096, oomKills: 0 },
      pids: { current: 3, refused: 0 },
      io: { readBytes: 50, writeBytes: 0, reads: 0, writes: 0 },
    });
  });

  it('of a container that has none are a reading without them', () => {
    const { cpu, memory, io } = engineReading(
      { ...figures, memory_stats: {}, blkio_stats: { io_service_bytes_recursive: null, io_serviced_recursive: null } },
      { id: 'x', hasMemoryLimit: false, cpus: 0 },
    );
    assert.deepEqual([cpu?.limit, memory, io], [undefined, undefined, undefined]);
  });
});

describe('Messages between extension and webviews', () => {
  const valid = <T>(schema: v.GenericSchema<unknown, T>, value: unknown) => v.safeParse(schema, value).success;

  it('pass when they are well formed', () => {
    assert.ok(valid(FromPage, { type: 'ready' }));
    assert.ok(valid(TraceSchema, trace));
    assert.ok(valid(ReadingSchema, reading(3)));
    assert.ok(valid(ToBirth, { type: 'trace', trace, planned: false }));
    assert.ok(valid(ToUsage, { type: 'reading', source: 0, reading: reading(3) }));
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
