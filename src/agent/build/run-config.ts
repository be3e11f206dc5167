import type { RunConfig } from '../oci/image.ts';

/** What a stage has come to: the config of the image that the next step makes. */
export type BuildConfig = RunConfig;

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const defaultShell = ['/bin/sh', '-c'];

/** Of a new stage: the base's, and a PATH. */
export function firstConfig(base: RunConfig | undefined): BuildConfig {
  const { Env = [], ...rest } = base ?? {};
  const hasPath = Env.some((line) => line.startsWith('PATH='));
  return { ...rest, Env: hasPath ? Env : [...Env, defaultPath] };
}

export const shellOf = ({ Shell }: BuildConfig): readonly string[] => (Shell?.length ? Shell : defaultShell);

/** A command as it runs: what is for the shell is given to it. */
export function commandLine(
  config: BuildConfig,
  { command, isShell }: { readonly command: readonly string[]; readonly isShell: boolean },
): readonly string[] {
  return isShell ? [...shellOf(config), ...command] : command;
}

/** Sets one variable in its place, or behind the others. */
export function withVariable(env: readonly string[], name: string, value: string): string[] {
  const line = `${name}=${value}`;
  const at = env.findIndex((each) => each.split('=', 1)[0] === name);
  return at < 0 ? [...env, line] : env.map((each, position) => (position === at ? line : each));
}

/** True for configs that Docker's build cache takes for the same: what a step is made of is in the command. */
export function isSameStep(one: RunConfig | undefined, other: RunConfig): boolean {
  if (!one) return false;
  return (
    (one.User ?? '') === (other.User ?? '') &&
    isSameList(one.Cmd, other.Cmd) &&
    isSameList(one.Env, other.Env) &&
    isSameList(one.Entrypoint, other.Entrypoint) &&
    isSameList(pairsOf(one.Labels), pairsOf(other.Labels)) &&
    isSameList(keysOf(one.ExposedPorts), keysOf(other.ExposedPorts)) &&
    isSameList(keysOf(one.Volumes), keysOf(other.Volumes))
  );
}

const keysOf = (set: Readonly<Record<string, object>> | null | undefined): string[] => Object.keys(set ?? {}).sort();
const pairsOf = (labels: Readonly<Record<string, string>> | null | undefined): string[] =>
  Object.entries(labels ?? {})
    .map(([name, value]) => JSON.stringify([name, value]))
    .sort();

function isSameList(one: readonly string[] | null | undefined, other: readonly string[] | null | undefined): boolean {
  const [left, right] = [one ?? [], other ?? []];
  return left.length === right.length && left.every((item, at) => item === right[at]);
}
