import assert from 'node:assert/strict';
import { UsageRecorder } from '../../../src/agent/inspect/usage-recorder.ts';
import { UsageSeries } from '../../../src/agent/inspect/usage-series.ts';
import type { CgroupReading } from '../../../src/protocol/usage.ts';
import { pointsOf, usagePoint } from '../../../src/protocol/usage-history.ts';

const began = 1_700_000_000_000;
const reading = (second: number, used: Partial<CgroupReading> = {}): CgroupReading => ({
  at: began + second * 1000,
  version: 2,
  path: '/porthole/x',
  cpu: {
    ...{ usage: second * 0.25e9, user: 0, system: 0, limit: 0.5 },
    ...{ throttledTime: second * 20e6, throttledPeriods: second * 2, periods: second * 10 },
  },
  memory: { current: 1000 + second, anon: 600, file: 300, inactiveFile: 0, limit: 4096, oomKills: second > 9 ? 1 : 0 },
  pids: { current: 3, refused: 0 },
  io: { readBytes: second * 50, writeBytes: 0, reads: 0, writes: 0 },
  pressure: { memory: { some: { avg10: 0, avg60: 0, total: second * 100_000 } } },
  ...used,
});

describe('The history of usage', () => {
  it('has rates of what the kernel counts, and what is as it is', () => {
    assert.deepEqual(usagePoint(reading(8), reading(10)), {
      at: began + 10_000,
      ...{ cpu: 25, cpuLimit: 50, throttledPeriods: 20, throttledTime: 20 },
      ...{ memory: 1010, anon: 600, file: 300, memoryLimit: 4096, kills: 1 },
      ...{ read: 50, write: 0, pids: 3, pressureMemory: 10 },
    });
  });

  it('has no rates for the first reading of a life, nor where the kernel counts from zero again', () => {
    const first = usagePoint(undefined, reading(5));
    assert.deepEqual([first.cpu, first.read, first.memory], [undefined, undefined, 1005]);
    assert.equal(usagePoint(reading(9), { ...reading(1), at: began + 10_000 }).cpu, undefined);
  });

  it('keeps an hour in a few kilobytes: the older the fewer, with the mean of what was used and the sum of kills', () => {
    const series = new UsageSeries();
    for (let row = 0; row < 10_000; row++) {
      series.add(
        { at: began + row * 5000, cpu: row % 2 === 0 ? 10 : 30, memory: row, kills: row % 100 === 0 ? 1 : 0 },
        20,
      );
    }
    assert.ok(series.size < 16_000, `${series.size} bytes`);
    const points = pointsOf({ since: 0, interval: 0, ...series.history(0) });
    const [oldest, newest] = [points[0], points.at(-1)];
    assert.ok(oldest && newest && newest.at === began + 9_999 * 5000);
    const hour = newest.at - oldest.at;
    assert.ok(hour > 3_000_000 && hour <= 3_700_000, `${hour} ms`);
    assert.ok(points.slice(0, 5).every(({ cpu = 0 }) => cpu > 15 && cpu < 25));
    assert.equal(
      points.slice(1).reduce((sum, { kills = 0 }) => sum + kills, 0),
      7,
    );
    assert.deepEqual(series.history(newest.at - 1).at, [newest.at]);
  });

  it('notes an end once, goes on in the next life, and forgets what is gone', async () => {
    let running = [{ id: 'a', path: '/a', startedAt: '1' }];
    let at = began;
    const recorder = new UsageRecorder({
      running: () => running,
      isThere: (id) => id === 'a',
      read: async (path) => ({ ...reading((at - began) / 1000), path }),
      now: () => at,
    });
    const look = async (): Promise<void> => {
      at += 1000;
      await recorder.read();
    };
    await look();
    await look();
    running = [];
    await look();
    await look();
    running = ['a', 'b'].map((id) => ({ id, path: `/${id}`, startedAt: '2' }));
    await look();
    const points = pointsOf(recorder.of('a', 0));
    assert.deepEqual(
      points.map(({ memory }) => memory),
      [1001, 1002, undefined, 1005],
    );
    assert.deepEqual(
      points.map(({ cpu }) => cpu),
      [undefined, 25, undefined, undefined],
    );
    assert.equal(recorder.of('b', 0).at.length, 1);
    running = [];
    await look();
    assert.deepEqual(recorder.of('b', 0).at, []);
    await recorder.close();
  });
});
