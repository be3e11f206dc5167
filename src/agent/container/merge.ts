import type { ContainerConfig } from '../../protocol/docker.ts';
import type { RunConfig } from '../oci/image.ts';
import { invalid } from './errors.ts';
import { mergeHealthcheck } from './health.ts';

/**
 * The user's config completed by the image's, by Docker's rules: an entrypoint of the user's takes the image's
 * command away; environment variables, labels, ports and volumes add up, the user's value wins.
 */
export function mergeConfig(given: ContainerConfig, image: RunConfig): ContainerConfig {
  // [''] is how a client says "no entrypoint", also where the image has one.
  const emptied = given.Entrypoint?.length === 1 && given.Entrypoint[0] === '';
  const ownEntrypoint = given.Entrypoint !== undefined && given.Entrypoint.length > 0;
  const entrypoint = emptied ? undefined : ownEntrypoint ? given.Entrypoint : listOf(image.Entrypoint);
  const command = given.Cmd?.length ? given.Cmd : ownEntrypoint ? undefined : listOf(image.Cmd);
  return {
    ...given,
    User: given.User || image.User || '',
    WorkingDir: given.WorkingDir || image.WorkingDir || '',
    Env: mergeEnvironment(image.Env ?? [], given.Env ?? []),
    Labels: { ...image.Labels, ...given.Labels },
    ...(entrypoint ? { Entrypoint: [...entrypoint] } : { Entrypoint: undefined }),
    ...(command ? { Cmd: [...command] } : { Cmd: undefined }),
    ...sets('ExposedPorts', image.ExposedPorts, given.ExposedPorts),
    ...sets('Volumes', image.Volumes, given.Volumes),
    ...(given.StopSignal || image.StopSignal ? { StopSignal: given.StopSignal || image.StopSignal } : {}),
    ...(given.Healthcheck || image.Healthcheck
      ? { Healthcheck: mergeHealthcheck(given.Healthcheck, healthOf(image)) }
      : {}),
    ...(given.Shell === undefined && image.Shell !== undefined ? { Shell: [...image.Shell] } : {}),
  };
}

/** The program with its arguments. @throws invalid `no command specified`. */
export function programOf(config: ContainerConfig): readonly [string, ...string[]] {
  const [path, ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (path === undefined) throw invalid('no command specified');
  return [path, ...args];
}

/** `over` replaces and completes `base`, variable by variable; the order of `base` is kept. A bare NAME in `over` removes it. */
export function mergeEnvironment(base: readonly string[], over: readonly string[]): string[] {
  const merged = new Map<string, string>();
  for (const variable of base) merged.set(nameOf(variable), variable);
  for (const variable of over) {
    if (variable.includes('=')) merged.set(nameOf(variable), variable);
    else merged.delete(variable);
  }
  return [...merged.values()];
}

function nameOf(variable: string): string {
  const equals = variable.indexOf('=');
  return equals < 0 ? variable : variable.slice(0, equals);
}

function listOf(list: readonly string[] | null | undefined): readonly string[] | undefined {
  return list && list.length > 0 ? list : undefined;
}

function sets<K extends string>(
  key: K,
  image: Readonly<Record<string, object>> | null | undefined,
  given: Readonly<Record<string, object>> | undefined,
) {
  const all = [...Object.keys(image ?? {}), ...Object.keys(given ?? {})];
  if (all.length === 0) return {};
  const merged: Record<string, Record<string, never>> = {};
  for (const name of all) merged[name] = {};
  return { [key]: merged };
}

function healthOf(image: RunConfig): ContainerConfig['Healthcheck'] {
  if (!image.Healthcheck) return undefined;
  const { Test, ...times } = image.Healthcheck ?? {};
  return { ...times, ...(Test ? { Test: [...Test] } : {}) };
}
