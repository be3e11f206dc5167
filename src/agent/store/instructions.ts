import { posix } from 'node:path';
import { PortholeError } from '../../base/errors.ts';
import { goDuration } from '../../base/go-duration.ts';
import type { Healthcheck, RunConfig } from '../oci/image.ts';

const invalid = (message: string) => new PortholeError('invalid', message);

/** Applies the instructions of `docker import --change` and `docker commit --change`, in order. @throws invalid for one that is no such instruction. */
export function applyInstructions(config: RunConfig, instructions: readonly string[]): RunConfig {
  let changed = config;
  let isCommandSet = false;
  for (const line of instructions.flatMap((lines) => lines.split(/\n(?!$)/))) {
    const [, word = '', rest = ''] = /^\s*(\S+)\s*(.*?)\s*$/s.exec(line) ?? [];
    if (word === '') continue;
    const instruction = word.toUpperCase();
    const apply = changes[instruction];
    if (!apply) throw invalid(`${word.toLowerCase()} is not a valid change command`);
    // Without one, CMD takes the command away.
    if (rest === '' && instruction !== 'CMD') {
      throw invalid(`${instruction} requires ${single.includes(instruction) ? 'exactly' : 'at least'} one argument`);
    }
    changed = { ...changed, ...apply(rest, changed) };
    // The command of before was for another entrypoint.
    if (instruction === 'ENTRYPOINT' && !isCommandSet) changed = { ...changed, Cmd: null };
    isCommandSet ||= instruction === 'CMD';
  }
  return changed;
}

const single = ['USER', 'WORKDIR'];

const changes: Readonly<Record<string, (rest: string, config: RunConfig) => RunConfig>> = {
  CMD: (rest) => ({ Cmd: rest === '' ? null : command(rest) }),
  ENTRYPOINT: (rest) => ({ Entrypoint: command(rest) }),
  ENV: (rest, { Env = [] }) => ({ Env: withVariables(Env, pairs(rest, 'ENV')) }),
  EXPOSE: (rest, { ExposedPorts }) => ({ ExposedPorts: { ...ExposedPorts, ...ports(rest) } }),
  HEALTHCHECK: (rest) => ({ Healthcheck: healthcheck(rest) }),
  LABEL: (rest, { Labels }) => ({ Labels: { ...Labels, ...Object.fromEntries(pairs(rest, 'LABEL')) } }),
  ONBUILD: (rest, { OnBuild }) => ({ OnBuild: [...(OnBuild ?? []), trigger(rest)] }),
  USER: (rest) => ({ User: rest }),
  VOLUME: (rest, { Volumes }) => ({
    Volumes: { ...Volumes, ...Object.fromEntries(volumes(rest).map((path) => [path, {}])) },
  }),
  WORKDIR: (rest, { WorkingDir }) => ({ WorkingDir: posix.resolve('/', WorkingDir ?? '', words(rest).join(' ')) }),
};

function trigger(rest: string): string {
  const word = (/^\S+/.exec(rest)?.[0] ?? '').toUpperCase();
  if (word === 'ONBUILD') throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (word === 'FROM' || word === 'MAINTAINER') throw invalid(`${word} isn't allowed as an ONBUILD trigger`);
  return rest;
}

const durations: Readonly<Record<string, 'Interval' | 'Timeout' | 'StartPeriod' | 'StartInterval'>> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
};

/** `NONE`, or options and `CMD` with a program. */
function healthcheck(rest: string): Healthcheck {
  if (rest.toUpperCase() === 'NONE') return { Test: ['NONE'] };
  const [, flags = '', kind = '', program = ''] = /^((?:--\S+\s+)*)(\S+)\s*(.*)$/s.exec(rest) ?? [];
  if (kind.toUpperCase() === 'NONE') throw invalid('HEALTHCHECK NONE takes no arguments');
  if (kind.toUpperCase() !== 'CMD') throw invalid(`Unknown type ${JSON.stringify(kind)} in HEALTHCHECK (try CMD)`);
  if (program === '') throw invalid('Missing command after HEALTHCHECK CMD');
  const json = jsonList(program);
  let check: Healthcheck = { Test: json ? ['CMD', ...json] : ['CMD-SHELL', program] };
  for (const [, name = '', value = ''] of flags.matchAll(/--([^=\s]+)=?(\S*)/g)) {
    const field = durations[name];
    if (field) check = { ...check, [field]: nanoseconds(name, value) };
    else if (name === 'retries') check = { ...check, Retries: retries(value) };
    else throw invalid(`Unknown flag: ${name}`);
  }
  return check;
}

function retries(text: string): number {
  if (!/^[+-]?\d{1,9}$/.test(text)) throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (Number(text) < 1) throw invalid(`--retries must be at least 1 (not ${Number(text)})`);
  return Number(text);
}

function volumes(rest: string): readonly string[] {
  const paths = jsonList(rest) ?? words(rest);
  if (paths.length === 0) throw invalid('VOLUME requires at least one argument');
  return paths;
}

function nanoseconds(flag: string, text: string): number {
  const duration = goDuration(text);
  if ('problem' in duration) throw invalid(duration.problem);
  const { nanoseconds: all } = duration;
  if (all < 1e6) throw invalid(`Interval ${JSON.stringify(flag)} cannot be less than 1ms`);
  return all;
}

const command = (rest: string): readonly string[] => jsonList(rest) ?? ['/bin/sh', '-c', rest];

function jsonList(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(rest);
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
  } catch {
    // Docker takes what is no JSON as a shell command.
    return undefined;
  }
}

/** `KEY=value KEY2="a b"`, or the old `KEY all the rest`. */
function pairs(rest: string, instruction: string): [string, string][] {
  const parts = words(rest);
  if (!parts[0]?.includes('=')) {
    const [, key = '', value] = /^(\S+)\s+(.*)$/s.exec(rest) ?? [];
    if (value === undefined) throw invalid(`${instruction} must have two arguments`);
    return [[key, value]];
  }
  return parts.map((part) => {
    const equals = part.indexOf('=');
    if (equals === 0) throw invalid(`${instruction} names can not be blank`);
    if (equals < 0) throw invalid(`Syntax error - can't find = in "${part}". Must be of the form: name=value`);
    return [part.slice(0, equals), part.slice(equals + 1)];
  });
}

/** Words as a shell splits them: quotes and backslashes taken away. */
function words(text: string): string[] {
  const found: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '\\' && quote !== "'" && at + 1 < text.length) word = (word ?? '') + text.charAt(++at);
    else if (quote !== '') {
      if (character === quote) quote = '';
      else word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) found.push(word);
      word = undefined;
    } else word = (word ?? '') + character;
  }
  if (quote !== '') throw invalid(`unexpected end of statement while looking for matching ${quote}`);
  if (word !== undefined) found.push(word);
  return found;
}

function withVariables(env: readonly string[], added: readonly [string, string][]): string[] {
  const kept = new Map(env.map((line) => [line.split('=', 1)[0] ?? '', line]));
  for (const [key, value] of added) kept.set(key, `${key}=${value}`);
  return [...kept.values()];
}

function ports(rest: string): Record<string, object> {
  const found: Record<string, object> = {};
  for (const word of words(rest)) {
    const [, from = '', to, protocol = 'tcp'] = /^([0-9]+)(?:-([0-9]+))?(?:\/(\w+))?$/i.exec(word) ?? [];
    const first = Number(from);
    const last = to === undefined ? first : Number(to);
    if (from === '' || last < first || last > 65_535) throw invalid(`Invalid containerPort: ${word}`);
    if (!/^(tcp|udp|sctp)$/i.test(protocol)) throw invalid(`Invalid proto: ${protocol}`);
    for (let port = first; port <= last; port++) found[`${port}/${protocol.toLowerCase()}`] = {};
  }
  return found;
}
