import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import SSHConfig from 'ssh-config';
import { errnoOf, messageOf } from '../../base/errors.ts';
import { badConfig } from './problems.ts';
import { type SshSettings, type Surroundings, settingsOf } from './settings.ts';
import type { SshTarget } from './target.ts';

export interface ConfigOptions {
  /** Instead of ~/.ssh/config. */
  readonly configFile?: string;
  /** The `ssh` command; null: read the configuration without one. */
  readonly command?: string | null;
  readonly around?: Surroundings;
  readonly signal?: AbortSignal;
}

/** The user's configuration for one host, as `ssh` would read it: it is asked where there is one. @throws invalid */
export async function resolveSettings(target: SshTarget, options: ConfigOptions = {}): Promise<SshSettings> {
  const around = options.around ?? surroundings();
  const asked = options.command === null ? undefined : await askSsh(target, options);
  const found = asked ?? (await readConfig(target, options, around));
  return settingsOf(target.host, found, around);
}

export function surroundings(): Surroundings {
  return { home: os.homedir(), localUser: os.userInfo().username, platform: process.platform, env: process.env };
}

type Values = Map<string, string[]>;

/** `ssh -G`: options after Host and Match evaluation. Undefined when there is no ssh command. */
async function askSsh(target: SshTarget, options: ConfigOptions): Promise<Values | undefined> {
  const args = ['-G', ...(options.configFile ? ['-F', options.configFile] : [])];
  if (target.port !== undefined) args.push('-p', String(target.port));
  if (target.user !== undefined) args.push('-l', target.user);
  args.push('--', target.host);
  const { signal } = options;
  const answer = await new Promise<{ error: Error | null; out: string; err: string }>((resolve) => {
    const running = execFile(
      options.command ?? 'ssh',
      args,
      { timeout: 15_000, ...(signal && { signal }) },
      (error, out, err) => resolve({ error, out, err }),
    );
    running.stdin?.end();
  });
  if (answer.error) {
    if (errnoOf(answer.error) === 'ENOENT') return undefined;
    throw badConfig(target.host, answer.err.trim() || messageOf(answer.error));
  }
  const values: Values = new Map();
  for (const line of answer.out.split(/\r?\n/)) {
    const space = line.indexOf(' ');
    if (space > 0) add(values, line.slice(0, space), line.slice(space + 1));
  }
  return values;
}

async function readConfig(target: SshTarget, options: ConfigOptions, around: Surroundings): Promise<Values> {
  const file = options.configFile ?? path.join(around.home, '.ssh', 'config');
  const values: Values = new Map();
  try {
    const parsed = SSHConfig.parse(await withIncludes(file, around, 0));
    const computed = parsed.compute(target.host, { ignoreCase: true });
    for (const [key, value] of Object.entries(computed)) {
      for (const one of Array.isArray(value) ? value : [value]) add(values, key.toLowerCase(), one);
    }
  } catch (failure) {
    throw badConfig(target.host, messageOf(failure));
  }
  if (target.port !== undefined) values.set('port', [String(target.port)]);
  if (target.user !== undefined) values.set('user', [target.user]);
  return values;
}

function add(values: Values, key: string, value: string): void {
  const known = values.get(key);
  if (known) known.push(value);
  else values.set(key, [value]);
}

/** The text of a configuration with its Include lines replaced by what they name. OpenSSH allows 16 levels. */
async function withIncludes(file: string, around: Surroundings, depth: number): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (failure) {
    if (errnoOf(failure) === 'ENOENT') return '';
    throw failure;
  }
  if (depth >= 16) throw new Error(`${file}: Include is nested too deeply`);
  const lines: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const include = /^\s*Include(?:\s+|\s*=\s*)(.+)$/i.exec(line)?.[1];
    if (include === undefined) {
      lines.push(line);
      continue;
    }
    for (const word of include.match(/"[^"]*"|\S+/g) ?? []) {
      const named = word.replace(/^"(.*)"$/, '$1').replace(/^~(?=\/)/, around.home);
      const pattern = path.isAbsolute(named) ? named : path.join(around.home, '.ssh', named);
      for (const one of await matching(pattern)) lines.push(await withIncludes(one, around, depth + 1));
    }
  }
  return lines.join('\n');
}

/** Files for a pattern whose last part may hold * and ?. */
async function matching(pattern: string): Promise<string[]> {
  const folder = path.dirname(pattern);
  const name = path.basename(pattern);
  if (!/[*?]/.test(name)) return [pattern];
  const rule = new RegExp(
    `^${name
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((one) => rule.test(one) && !one.startsWith('.'))
    .sort()
    .map((one) => path.join(folder, one));
}
