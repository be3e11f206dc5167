import type { ContainerConfig } from '../../protocol/docker.ts';
import { mergeEnvironment } from './merge.ts';

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The initial process's environment in Docker's order: the engine's variables, the config's over them, HOME last. */
export function environmentOf(config: ContainerConfig, options: { readonly home: string }): string[] {
  return execEnvironment(config, { tty: config.Tty === true, env: [], home: options.home });
}

/** An exec's environment: the container's, TERM only with a terminal of its own, and what was asked for. */
export function execEnvironment(
  config: ContainerConfig,
  options: { readonly tty: boolean; readonly env: readonly string[]; readonly home: string },
): string[] {
  const own = [defaultPath, `HOSTNAME=${config.Hostname ?? ''}`, ...(options.tty ? ['TERM=xterm'] : [])];
  return withHome(mergeEnvironment(mergeEnvironment(own, config.Env ?? []), options.env), options.home);
}

function withHome(environment: readonly string[], home: string): string[] {
  const has = environment.some((variable) => variable.startsWith('HOME=') && variable !== 'HOME=');
  return has ? [...environment] : [...environment.filter((variable) => variable !== 'HOME='), `HOME=${home}`];
}
