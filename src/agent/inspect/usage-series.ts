import {
  pointFrom,
  type UsageColumn,
  type UsageHistory,
  type UsagePoint,
  usageColumns,
} from '../../protocol/usage-history.ts';

const width = usageColumns.length;
/** Rows by which a series grows. */
const growth = 16;
/** Milliseconds: what is older is forgotten. */
const longest = 3_600_000;

/** Two points become one: of these the sum stays, of the rates the mean; the rest is taken from the moment of more memory. */
const summed: ReadonlySet<UsageColumn> = new Set(['kills']);
const averaged: ReadonlySet<UsageColumn> = new Set([
  ...(['cpu', 'throttledPeriods', 'throttledTime', 'read', 'write'] as const),
  ...(['pressureCpu', 'pressureMemory', 'pressureIo'] as const),
]);

/**
 * The last hour of one container's points: rows of numbers, the older the fewer. One that is `age` old stands for at most
 * `age / detail`, so that an hour takes about two hundred rows of 80 bytes with a detail of 40.
 */
export class UsageSeries {
  #length = 0;
  /** When the time begins that the first row stands for. */
  #begin = 0;
  #at = new Float64Array(growth);
  /** 24 bits are enough for what a chart shows. NaN: no value. */
  #values = new Float32Array(growth * width);

  get length(): number {
    return this.#length;
  }

  /** Bytes. */
  get size(): number {
    return this.#at.byteLength + this.#values.byteLength;
  }

  /** Milliseconds since the epoch; 0 of an empty one. */
  get newest(): number {
    return this.#length === 0 ? 0 : (this.#at[this.#length - 1] ?? 0);
  }

  /** True when the last point says that it ran no longer. */
  get isEnded(): boolean {
    return this.#length > 0 && this.#isEnd(this.#length - 1);
  }

  /** One that is not later than the last is dropped. */
  add(point: UsagePoint, detail: number): void {
    if (point.at <= this.newest) return;
    if (this.#length === 0) this.#begin = point.at;
    if (this.#length === this.#at.length) {
      this.#thin(point.at, detail);
      if (this.#length > this.#at.length - growth / 2) this.#resize(this.#length + growth);
    }
    this.#put(point);
  }

  /** @param since milliseconds since the epoch */
  history(since: number): Pick<UsageHistory, 'at' | 'columns'> {
    const rows = Array.from({ length: this.#length }, (_, row) => row).filter((row) => (this.#at[row] ?? 0) > since);
    const columns: { -readonly [K in keyof UsageHistory['columns']]: UsageHistory['columns'][K] } = {};
    for (const [index, name] of usageColumns.entries()) {
      const values = rows.map((row) => {
        const value = this.#values[row * width + index] ?? Number.NaN;
        return Number.isNaN(value) ? null : value;
      });
      if (values.some((value) => value !== null)) columns[name] = values;
    }
    return { at: rows.map((row) => this.#at[row] ?? 0), columns };
  }

  #point(row: number): UsagePoint {
    return pointFrom(this.#at[row] ?? 0, (column) => {
      const value = this.#values[row * width + usageColumns.indexOf(column)] ?? Number.NaN;
      return Number.isNaN(value) ? undefined : value;
    });
  }

  #isEnd(row: number): boolean {
    return this.#values.subarray(row * width, (row + 1) * width).every(Number.isNaN);
  }

  #thin(now: number, detail: number): void {
    const kept: UsagePoint[] = [];
    let begin = this.#begin;
    for (let row = 0; row < this.#length; row++) {
      const point = this.#point(row);
      if (now - point.at > longest) {
        begin = point.at;
        this.#begin = begin;
        continue;
      }
      const last = kept.at(-1);
      const span = point.at - begin;
      const isEdge = this.#isEnd(row) || (row > 0 && this.#isEnd(row - 1));
      if (last && !isEdge && span <= (now - point.at) / detail) {
        kept[kept.length - 1] = merged(last, point, { first: last.at - begin, second: point.at - last.at });
        continue;
      }
      begin = last?.at ?? begin;
      kept.push(point);
    }
    this.#length = 0;
    for (const point of kept) this.#put(point);
  }

  #put(point: UsagePoint): void {
    this.#at[this.#length] = point.at;
    for (const [column, name] of usageColumns.entries()) {
      this.#values[this.#length * width + column] = point[name] ?? Number.NaN;
    }
    this.#length++;
  }

  #resize(rows: number): void {
    const at = new Float64Array(rows);
    at.set(this.#at.subarray(0, this.#length));
    const values = new Float32Array(rows * width);
    values.set(this.#values.subarray(0, this.#length * width));
    this.#at = at;
    this.#values = values;
  }
}

/** @param weights milliseconds that each stands for */
function merged(
  a: UsagePoint,
  b: UsagePoint,
  weights: { readonly first: number; readonly second: number },
): UsagePoint {
  const fuller = (a.memory ?? 0) > (b.memory ?? 0) ? a : b;
  const whole = Math.max(1, weights.first + weights.second);
  return pointFrom(b.at, (column) => {
    const [one, other] = [a[column], b[column]];
    if (one === undefined || other === undefined) return one ?? other;
    if (summed.has(column)) return one + other;
    return averaged.has(column) ? (one * weights.first + other * weights.second) / whole : fuller[column];
  });
}
