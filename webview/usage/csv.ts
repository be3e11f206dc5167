import { type UsageColumn, type UsagePoint, usageColumns } from '../../src/protocol/usage-history.ts';

const units: Readonly<Record<UsageColumn, string>> = {
  cpu: 'cpu_percent',
  cpuLimit: 'cpu_limit_percent',
  throttledPeriods: 'throttled_periods_percent',
  throttledTime: 'throttled_ms_per_s',
  memory: 'memory_bytes',
  anon: 'memory_anon_bytes',
  file: 'memory_file_bytes',
  kernel: 'memory_kernel_bytes',
  swap: 'memory_swap_bytes',
  memoryLimit: 'memory_limit_bytes',
  kills: 'oom_kills',
  read: 'disk_read_bytes_per_s',
  write: 'disk_write_bytes_per_s',
  pids: 'pids',
  pidsLimit: 'pids_limit',
  pressureCpu: 'pressure_cpu_percent',
  pressureMemory: 'pressure_memory_percent',
  pressureIo: 'pressure_io_percent',
};

/** RFC 4180: times as RFC 3339, units in the names of the columns, '' where there is no value. Pure. */
export function csvOf(
  containers: readonly { readonly name: string; readonly points: readonly UsagePoint[] }[],
): string {
  const head = ['time', 'container', ...usageColumns.map((column) => units[column])];
  const rows = containers.flatMap(({ name, points }) =>
    points.map((point) => [
      new Date(point.at).toISOString(),
      cell(name),
      ...usageColumns.map((column) => (point[column] === undefined ? '' : rounded(point[column]))),
    ]),
  );
  return [head, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

const rounded = (value: number): string => String(Math.round(value * 1000) / 1000);

/** A cell that a spreadsheet would take for a formula begins with a quote mark there. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
