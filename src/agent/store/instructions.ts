import { posix } from 'node:path';
import { PortholeError } from '../../base/errors.ts';
import type { RunConfig } from '../oci/image.ts';

const invalid = (message: string) => new PortholeError('invalid', message);

/** Applies the instructions of `docker import --change`, in order. @throws invalid for one that is no such instruction. */
export function applyInstructions(config: RunConfig, instructions: readonly string[]): RunConfig {
  let changed = config;
  for (const line of instructions) {
    const [, word = '', rest = ''] = /^\s*(\S+)\s*(.*?)\s*$/s.exec(line) ?? [];
    if (word === '') continue;
    const apply = changes[word.toUpperCase()];
    if (!apply) throw invalid(`${word.toUpperCase()} is not a valid change command`);
    if (rest === '') throw invalid(`${word.toUpperCase()} requires at least one argument`);
    changed = { ...changed, ...apply(rest, changed) };
  }
  return changed;
}

const changes: Readonly<Record<string, (rest: string, config: RunConfig) => RunConfig>> = {
  CMD: (rest) => ({ Cmd: command(rest) }),
  ENTRYPOINT: (rest) => ({ Entrypoint: command(rest) }),
  ENV: (rest, { Env = [] }) => ({ Env: withVariables(Env, pairs(rest, 'ENV')) }),
  EXPOSE: (rest, { ExposedPorts }) => ({ ExposedPorts: { ...ExposedPorts, ...ports(rest) } }),
  LABEL: (rest, { Labels }) => ({ Labels: { ...Labels, ...Object.fromEntries(pairs(rest, 'LABEL')) } }),
  ONBUILD: (rest, { OnBuild }) => ({ OnBuild: [...(OnBuild ?? []), rest] }),
  STOPSIGNAL: (rest) => ({ StopSignal: rest }),
  USER: (rest) => ({ User: rest }),
  VOLUME: (rest, { Volumes }) => ({
    Volumes: { ...Volumes, ...Object.fromEntries((jsonList(rest) ?? words(rest)).map((path) => [path, {}])) },
  }),
  WORKDIR: (rest, { WorkingDir }) => ({ WorkingDir: posix.resolve('/', WorkingDir ?? '', words(rest).join(' ')) }),
};

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
    if (equals < 1) throw invalid(`Syntax error - can't find = in "${part}". Must be of the form: name=value`);
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
    const [, from = '', to, protocol = 'tcp'] = /^([0-9]+)(?:-([0-9]+))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? [];
    const first = Number(from);
    const last = to === undefined ? first : Number(to);
    if (from === '' || last < first || last > 65_535) throw invalid(`invalid containerPort: ${word}`);
    for (let port = first; port <= last; port++) found[`${port}/${protocol.toLowerCase()}`] = {};
  }
  return found;
}
