import type { HostConfig } from '../../protocol/docker.ts';
import { cannotLog, invalid, notSupportedYet } from './errors.ts';

type LogConfig = NonNullable<HostConfig['LogConfig']>;

/** The drivers that there are. Whatever the name is, what is kept is kept as CRI lines. */
export const logDrivers = ['json-file', 'local', 'none'] as const;
type Driver = (typeof logDrivers)[number];

/** `none` takes whatever it is given, as in dockerd. `labels`, `env` and `tag` are what `docker logs --details` shows. */
const known: Readonly<Record<Exclude<Driver, 'none'>, readonly string[]>> = {
  'json-file': ['max-size', 'max-file', 'compress', 'labels', 'labels-regex', 'env', 'env-regex', 'tag'],
  local: ['max-size', 'max-file', 'compress'],
};
const unknownOption: Readonly<Record<Exclude<Driver, 'none'>, (name: string) => string>> = {
  'json-file': (name) => `unknown log opt '${name}' for json-file log driver`,
  local: (name) => `unknown log opt '${name}' for log driver local`,
};

/** The engine's own driver and options where a container names none; options only where the driver is the same. */
export function withLogDefaults(given: LogConfig | undefined, defaults: LogConfig = {}): LogConfig {
  const standard = defaults.Type || 'json-file';
  const Type = given?.Type || standard;
  return { Type, Config: { ...(Type === standard ? defaults.Config : {}), ...given?.Config } };
}

/** What `create` refuses. @throws invalid in dockerd's words */
export function checkLogConfig(config: LogConfig): void {
  const driver = driverOf(config);
  if (driver === 'none') return;
  const { mode, 'max-buffer-size': buffer, ...options } = config.Config ?? {};
  // A file takes what it is given: neither mode ever makes the process wait, and nothing is dropped in either.
  if (!['', 'blocking', 'non-blocking'].includes(mode ?? ''))
    throw invalid(`logger: logging mode not supported: ${mode}`);
  if (buffer !== undefined) {
    if (mode !== 'non-blocking') {
      throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
    }
    if (bytesOf(buffer, 1024) === undefined)
      throw invalid(`error parsing option max-buffer-size: invalid size: '${buffer}'`);
  }
  for (const name of Object.keys(options)) {
    if (!known[driver].includes(name)) throw invalid(unknownOption[driver](name));
  }
  if (isTrue(options['compress'])) throw notSupportedYet('The log option compress');
}

function driverOf({ Type: name = 'json-file' }: LogConfig): Driver {
  const found = logDrivers.find((one) => one === name);
  if (found) return found;
  throw invalid(`error looking up logging plugin ${name}: plugin "${name}" not found`);
}

/** False: nothing is kept. */
export function keepsLog(config: LogConfig | undefined): boolean {
  return config?.Type !== 'none';
}

/** Docker's local driver is bounded unless told otherwise. */
const ofLocal = { limit: 20 * 1024 * 1024, keep: 5 };

/** How a container's log is cut; undefined: it grows. @throws internal in the words in which dockerd refuses the start */
export function logRotationOf(config: LogConfig = {}): { readonly limit: number; readonly keep: number } | undefined {
  const isLocal = config.Type === 'local';
  const { 'max-size': size, 'max-file': files, compress } = config.Config ?? {};
  const keep = files === undefined ? undefined : fileCount(files);
  if (compress !== undefined && isTrue(compress) === undefined) {
    throw cannotLog(`strconv.ParseBool: parsing "${compress}": invalid syntax`);
  }
  if (size === undefined) return isLocal ? { ...ofLocal, ...(keep && { keep }) } : undefined;
  const limit = bytesOf(size, isLocal ? 1024 : 1000);
  if (limit === undefined)
    throw cannotLog(`${isLocal ? `invalid value for max-size: ${size}: ` : ''}invalid size: '${size}'`);
  if (limit === 0) return undefined;
  return { limit, keep: keep ?? (isLocal ? ofLocal.keep : 1) };
}

function fileCount(text: string): number {
  if (!/^[+-]?\d{1,9}$/.test(text)) throw cannotLog(`strconv.Atoi: parsing "${text}": invalid syntax`);
  const count = Number(text);
  if (count < 1) throw cannotLog('max-file cannot be less than 1');
  return count;
}

/** As Go's ParseBool; undefined when it is neither. */
function isTrue(text: string | undefined): boolean | undefined {
  if (text === undefined || /^(0|f|F|false|False|FALSE)$/.test(text)) return false;
  return /^(1|t|T|true|True|TRUE)$/.test(text) ? true : undefined;
}

/** @param step 1000 or 1024, what a k is */
function bytesOf(text: string, step: number): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)*) ?([kKmMgGtTpP]?)(?:[iI]?[bB])?$/.exec(text) ?? [];
  const number = Number(amount);
  if (amount === undefined || Number.isNaN(number)) return undefined;
  return Math.trunc(number * step ** ['', 'k', 'm', 'g', 't', 'p'].indexOf(unit.toLowerCase()));
}
