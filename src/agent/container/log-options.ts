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
    checkBufferSize(buffer);
  }
  for (const name of Object.keys(options)) {
    if (!known[driver].includes(name)) throw invalid(unknownOption[driver](name));
  }
  if (isTrue(options['compress'])) throw notSupportedYet('The log option compress');
}

function checkBufferSize(text: string): void {
  try {
    bytesOf(text, 1024);
  } catch (failure) {
    if (failure instanceof NoValue) throw invalid(`error parsing option max-buffer-size: ${failure.message}`);
    throw failure;
  }
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
  return config.Type === 'local' ? localRotation(config.Config ?? {}) : jsonFileRotation(config.Config ?? {});
}

type Options = NonNullable<LogConfig['Config']>;

/** What is wrong is found in dockerd's order: of two things both engines name the same. */
function jsonFileRotation(options: Options): { readonly limit: number; readonly keep: number } | undefined {
  const { 'max-size': size, 'max-file': files, compress } = options;
  const limit = size === undefined ? undefined : refusing('', () => bytesOf(size, 1000));
  if (limit !== undefined && limit <= 0) throw cannotLog('max-size must be a positive number');
  const keep = files === undefined ? 1 : refusing('', () => wholeNumber(files));
  if (keep < 1) throw cannotLog('max-file cannot be less than 1');
  if (compress !== undefined) refusing('', () => truthOf(compress));
  return limit === undefined ? undefined : { limit, keep: Math.min(keep, mostFiles) };
}

function localRotation(options: Options): { readonly limit: number; readonly keep: number } {
  const { 'max-size': size, 'max-file': files, compress } = options;
  const limit =
    size === undefined ? ofLocal.limit : refusing(`invalid value for max-size: ${size}: `, () => bytesOf(size, 1024));
  const keep =
    files === undefined ? ofLocal.keep : refusing(`invalid value for max-file: ${files}: `, () => wholeNumber(files));
  const compresses = compress === undefined || refusing('error reading compress log option: ', () => truthOf(compress));
  if (limit < 0) throw cannotLog('max size should be a positive number');
  if (keep < 0) throw cannotLog('max file count cannot be less than 0');
  if (compresses && keep <= 1) throw cannotLog('compression cannot be enabled when max file count is 1');
  // No size at all: every line is a file.
  return { limit: Math.max(limit, 1), keep: Math.min(Math.max(keep, 1), mostFiles) };
}

/** Beyond this the shim does not count, and no disk holds them. */
const mostFiles = 2 ** 31 - 1;

/** What is no value says why: in dockerd's words these stand behind those of the driver. */
class NoValue extends Error {}

function refusing<Value>(words: string, read: () => Value): Value {
  try {
    return read();
  } catch (failure) {
    if (failure instanceof NoValue) throw cannotLog(words + failure.message);
    throw failure;
  }
}

/** As Go's Atoi, beyond 2^53 about so. */
function wholeNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new NoValue(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  const number = Number(text);
  if (Math.abs(number) >= 2 ** 63)
    throw new NoValue(`strconv.Atoi: parsing ${JSON.stringify(text)}: value out of range`);
  return number;
}

function truthOf(text: string): boolean {
  const truth = isTrue(text);
  if (truth !== undefined) return truth;
  throw new NoValue(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** As Go's ParseBool; undefined when it is neither. */
function isTrue(text: string | undefined): boolean | undefined {
  if (text === undefined || /^(0|f|F|false|False|FALSE)$/.test(text)) return false;
  return /^(1|t|T|true|True|TRUE)$/.test(text) ? true : undefined;
}

/** @param step 1000 or 1024, what a k is */
function bytesOf(text: string, step: number): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)*) ?([kKmMgGtTpP]?)(?:[iI]?[bB])?$/.exec(text) ?? [];
  if (amount === undefined) throw new NoValue(`invalid size: '${text}'`);
  const number = Number(amount);
  if (Number.isNaN(number)) throw new NoValue(`strconv.ParseFloat: parsing "${amount}": invalid syntax`);
  const bytes = Math.trunc(number * step ** ['', 'k', 'm', 'g', 't', 'p'].indexOf(unit.toLowerCase()));
  // What 64 bits do not hold is less than nothing there.
  return bytes < 2 ** 63 ? bytes : -1;
}
