import type { ContainerDefaults } from './engine.ts';
import { invalid } from './errors.ts';
import { checkLogConfig, logRotationOf } from './log-options.ts';

/**
 * What `serve` is told about containers that do not say: dockerd's --log-driver, --log-opt KEY=VALUE and --init.
 * @throws invalid for what no container could have
 */
export function containerDefaults(given: {
  readonly logDriver: string | undefined;
  readonly logOptions: readonly string[];
  readonly init: boolean;
}): ContainerDefaults {
  const options = given.logOptions.map((option) => {
    const at = option.indexOf('=');
    if (at < 1) throw invalid(`a log option is KEY=VALUE, not ${JSON.stringify(option)}`);
    return [option.slice(0, at), option.slice(at + 1)] as const;
  });
  const logConfig = { Type: given.logDriver ?? 'json-file', Config: Object.fromEntries(options) };
  checkLogConfig(logConfig);
  logRotationOf(logConfig);
  return { logConfig, init: given.init };
}
