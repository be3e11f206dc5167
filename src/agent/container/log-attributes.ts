import type { ContainerRecord } from './contract.ts';
import { cannotLog } from './errors.ts';
import { type LogTagSource, logTag } from './log-tag.ts';
import { patternMatch } from './patterns.ts';

type Source = LogTagSource & Pick<ContainerRecord, 'config' | 'hostConfig'>;

/**
 * What `docker logs --details` puts before each line: the labels and variables that the log options choose, and the tag,
 * as '`key=value,key=value `' in the order of their names.
 * @throws internal in the words in which dockerd refuses the start
 */
export function logDetails(record: Source): string {
  const pairs = [...chosen(record)].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `${pairs.map(([key, value]) => `${queryEscaped(key)}=${queryEscaped(value)}`).join(',')} `;
}

function chosen(record: Source): Map<string, string> {
  const { config, hostConfig } = record;
  // The other drivers take no such options.
  const options = (hostConfig.LogConfig?.Type ?? 'json-file') === 'json-file' ? hostConfig.LogConfig?.Config : {};
  const labels = Object.entries(config.Labels ?? {});
  const variables = (config.Env ?? []).map((variable): [string, string] => {
    const at = variable.indexOf('=');
    return at < 0 ? [variable, ''] : [variable.slice(0, at), variable.slice(at + 1)];
  });
  const found = new Map<string, string>();
  const take = (from: readonly (readonly [string, string])[], isWanted: (name: string) => boolean): void => {
    for (const [name, value] of from) if (isWanted(name)) found.set(name, value);
  };
  take(labels, named(options?.['labels']));
  take(labels, matching(options?.['labels-regex']));
  take(variables, named(options?.['env']));
  take(variables, matching(options?.['env-regex']));
  const template = options?.['tag'] ?? '';
  const tag = logTag(template, record);
  if ('problem' in tag) throw cannotLog(tag.problem);
  if (tag.text !== '') found.set('tag', tag.text);
  return found;
}

function named(list = ''): (name: string) => boolean {
  const names = list.split(',').filter((name) => name !== '');
  return (name) => names.includes(name);
}

/** @throws internal for what is no regular expression, or one that takes too long */
function matching(pattern = ''): (name: string) => boolean {
  if (pattern === '') return () => false;
  const asked = (name: string): boolean => {
    const answer = patternMatch(pattern, name);
    if (typeof answer === 'boolean') return answer;
    throw cannotLog(
      `error parsing regexp: ${answer === 'no pattern' ? 'invalid syntax' : 'it takes too long'}: \`${pattern}\``,
    );
  };
  // Also where there is nothing to be matched.
  asked('');
  return asked;
}

/** As Go escapes the parts of a query: a blank is a plus. Half a surrogate pair becomes U+FFFD on the way through bytes. */
function queryEscaped(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString())
    .replace(/%20/g, '+')
    .replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
