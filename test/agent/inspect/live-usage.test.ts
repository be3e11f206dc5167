import assert from 'node:assert/strict';
import { UsageNews } from '../../../src/agent/inspect/live-usage.ts';
import type { CgroupReading } from '../../../src/protocol/usage.ts';

describe('inspect: live usage of all containers', () => {
  /** @param cpu seconds; memory in MiB */
  const reading = (at: number, cpu: number, memory: number): CgroupReading => ({
    at,
    version: 2,
    path: '/p',
    cpu: { usage: cpu * 1e9, user: 0, system: 0, throttledTime: 0, throttledPeriods: 0, periods: 0 },
    memory: { current: memory << 20, anon: 0, file: 0, inactiveFile: 1 << 20, oomKills: 0, limit: 64 << 20 },
  });

  it('begins with the second reading, and goes on with what anybody would see', () => {
    const news = new UsageNews();
    assert.deepEqual(news.of(new Map([['a', reading(0, 1, 5)]])), []);
    assert.deepEqual(news.of(new Map([['a', reading(1000, 1.5, 5)]])), [
      { id: 'a', cpuPercent: 50, memory: 4 << 20, memoryLimit: 64 << 20 },
    ]);
    assert.deepEqual(news.of(new Map([['a', reading(2000, 2, 5)]])), []);
    const [changed] = news.of(new Map([['a', reading(3000, 2, 5)]]));
    assert.equal(changed?.cpuPercent, 0);
    assert.deepEqual(news.of(new Map([['a', reading(4000, 2, 5)]])), []);
  });

  it('tells of each by itself, and again of what has come back', () => {
    const news = new UsageNews();
    const ids = (...readings: [string, CgroupReading][]) => news.of(new Map(readings)).map(({ id }) => id);
    ids(['a', reading(0, 0, 2)], ['b', reading(0, 0, 2)]);
    assert.deepEqual(ids(['a', reading(1000, 0, 2)], ['b', reading(1000, 0, 2)]), ['a', 'b']);
    assert.deepEqual(ids(['a', reading(2000, 0, 2)], ['b', reading(2000, 0, 3)]), ['b']);
    assert.deepEqual(ids(['b', reading(3000, 0, 3)]), []);
    assert.deepEqual(ids(['a', reading(4000, 0, 2)], ['b', reading(4000, 0, 3)]), []);
    assert.deepEqual(ids(['a', reading(5000, 0, 2)], ['b', reading(5000, 0, 3)]), ['a']);
  });

  it('leaves out what has no controllers', () => {
    const news = new UsageNews();
    const bare: CgroupReading = { at: 0, version: 1, path: '/p' };
    news.of(new Map([['a', bare]]));
    assert.deepEqual(news.of(new Map([['a', { ...bare, at: 1000 }]])), []);
  });
});
