/** Quantities as people read them. Pure; both the extension and the webviews use them. */

const decimal = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const binary = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Sizes of images and files, in powers of 1000 as the docker command prints them: 4263154 -> '4.26 MB'. */
export const formatSize = (bytes: number): string => scaled(bytes, 1000, decimal);

/** Memory, in powers of 1024 as limits are given: 67108864 -> '64 MiB'. */
export const formatMemory = (bytes: number): string => scaled(bytes, 1024, binary);

/** A duration given in nanoseconds, three significant digits: 1234567 -> '1.23 ms'. */
export function formatNanoseconds(nanoseconds: number): string {
  if (nanoseconds < 1_000) return `${Math.round(nanoseconds)} ns`;
  if (nanoseconds < 1_000_000) return `${significant(nanoseconds / 1_000)} µs`;
  if (nanoseconds < 1_000_000_000) return `${significant(nanoseconds / 1_000_000)} ms`;
  return `${significant(nanoseconds / 1_000_000_000)} s`;
}

/** A share of one CPU in percent: 12.345 -> '12.3%', 0.04 -> '0.04%'. */
export function formatPercent(percent: number): string {
  if (percent >= 100) return `${Math.round(percent)}%`;
  return `${percent >= 10 ? percent.toFixed(1) : percent.toFixed(2)}%`;
}

/** Permission bits as chmod takes them: 0o755 -> '0755'. */
export const formatMode = (mode: number): string => mode.toString(8).padStart(4, '0');

function scaled(bytes: number, step: number, units: readonly string[]): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  // 999.5 would round to '1000', so the next unit starts a little early.
  while (value >= step - 0.5 && unit < units.length - 1) {
    value /= step;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : significant(value)} ${units[unit] ?? ''}`;
}

function significant(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const text = value.toFixed(digits);
  return digits === 0 ? text : text.replace(/\.?0+$/, '');
}
