import { badParameter } from './errors.ts';

/** A request's query string, read as dockerd reads it. */
export class Query {
  readonly #values: URLSearchParams;

  constructor(search: string | URLSearchParams) {
    this.#values = new URLSearchParams(search);
  }

  /** '' when absent. */
  text(name: string): string {
    return this.#values.get(name) ?? '';
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
   * A point in time in seconds since the epoch: '1700000000', '1700000000.000000123' or RFC 3339.
   * Undefined when absent, empty or 0.
   */
  time(name: string): number | undefined {
    const value = this.#values.get(name);
    if (value === null || value === '') return undefined;
    if (/^-?\d+(\.\d+)?$/.test(value)) return Number(value) === 0 ? undefined : Number(value);
    const milliseconds = /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN;
    if (Number.isNaN(milliseconds)) throw badParameter(`invalid ${name}: ${quoted(value)} is not a point in time`);
    return milliseconds / 1000;
  }
}

const quoted = (value: string): string => JSON.stringify(value.slice(0, 100));
