import { nameOf } from '../sys/names.ts';
import { badParameter } from './errors.ts';

/** A request's query string, read as dockerd reads it. */
export class Query {
  readonly #values: URLSearchParams;
  /** As it came. */
  readonly #search: string;

  constructor(search: string | URLSearchParams | Record<string, string>) {
    this.#values = new URLSearchParams(search);
    this.#search = typeof search === 'string' ? search : this.#values.toString();
  }

  /** '' when absent. */
  text(name: string): string {
    return this.#values.get(name) ?? '';
  }

  /** A path, which need not be UTF-8: its bytes as `nameOf` has them. '' when absent. */
  path(name: string): string {
    const text = this.text(name);
    // Only what the decoder replaced has to be looked at again.
    if (!text.includes('\uFFFD')) return text;
    const raw = this.#search
      .replace(/^\?/, '')
      .split('&')
      .find((pair) => pair.startsWith(`${name}=`));
    if (raw === undefined) return text;
    const value = raw.slice(name.length + 1).replaceAll('+', ' ');
    return nameOf(
      Buffer.from(
        value.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => byteOf(hex)),
        'latin1',
      ),
    );
  }

  texts(name: string): string[] {
    return this.#values.getAll(name);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Everything but '', '0', 'no', 'false' and 'none' is true; an absent value is `otherwise`. */
  flag(name: string, otherwise = false): boolean {
    const value = this.#values.get(name);
    if (value === null) return otherwise;
    return !['', '0', 'no', 'false', 'none'].includes(value.trim().toLowerCase());
  }

  /** Undefined when absent or empty. @throws invalid when it is no whole number. */
  whole(name: string): number | undefined {
    const value = this.#values.get(name);
    if (value === null || value === '') return undefined;
    if (!/^[+-]?\d{1,15}$/.test(value)) throw badParameter(`invalid ${name}: ${quoted(value)} is not a whole number`);
    return Number(value);
  }

  /**
   * A point in time in nanoseconds since the epoch: '1700000000', '1700000000.000000123' or RFC 3339.
   * Undefined when absent, empty or 0. @throws invalid for anything else.
   */
  nanoTime(name: string): bigint | undefined {
    const value = this.text(name);
    if (value === '') return undefined;
    const [, sign = '', whole, fraction = ''] = /^(-?)(\d{1,15})(?:\.(\d{1,18}))?$/.exec(value) ?? [];
    if (whole !== undefined) {
      const nanoseconds = BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
      if (nanoseconds === 0n) return undefined;
      return sign === '-' ? -nanoseconds : nanoseconds;
    }
    const milliseconds = /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN;
    if (Number.isNaN(milliseconds)) throw badParameter(`invalid ${name}: ${quoted(value)} is not a point in time`);
    return BigInt(milliseconds) * 1_000_000n;
  }

  /** Like `nanoTime`, in seconds: rounded to about a quarter of a microsecond. */
  time(name: string): number | undefined {
    const nanoseconds = this.nanoTime(name);
    return nanoseconds === undefined ? undefined : Number(nanoseconds) / 1e9;
  }
}

const byteOf = (hex: string): string => String.fromCharCode(Number.parseInt(hex, 16));

const quoted = (value: string): string => JSON.stringify(value.slice(0, 100));
