import { posix } from 'node:path';
import { signalNumber } from '../container/signals.ts';
import { goDuration, plainList, quotedList, quotedRune } from '../dockerfile/go-text.ts';
import type { Instruction } from '../dockerfile/instruction.ts';
import { exposedPorts } from '../dockerfile/ports.ts';
import type { Healthcheck } from '../oci/image.ts';
import { failed } from './errors.ts';
import type { Expand, ExpandAll } from './expansion.ts';
import { type BuildConfig, commandLine, withVariable } from './run-config.ts';

/** What an instruction does to the config alone. */
export interface ConfigChange {
  readonly config: BuildConfig;
  /** As the history has it. */
  readonly comment: string;
  /** Told to the user before. */
  readonly note?: string;
}

export type ConfigInstruction = Exclude<
  Instruction,
  { kind: 'from' | 'run' | 'copy' | 'add' | 'workdir' | 'arg' | 'maintainer' }
>;

/** Words of an instruction are expanded one by one. */
export interface Expansion {
  readonly one: Expand;
  readonly all: ExpandAll;
}

/** @param state.hasCommand a CMD of this Dockerfile stays when the entrypoint changes. */
export function changeConfig(
  instruction: ConfigInstruction,
  {
    config,
    hasCommand,
    expand,
  }: { readonly config: BuildConfig; readonly hasCommand: boolean; readonly expand: Expansion },
): ConfigChange {
  switch (instruction.kind) {
    case 'env': {
      const pairs = instruction.pairs.map(({ name, value }) => [expand.one(name), expand.one(value)] as const);
      const Env = pairs.reduce((env, [name, value]) => withVariable(env, name, value), [...(config.Env ?? [])]);
      return { config: { ...config, Env }, comment: `ENV ${shown(pairs)}` };
    }
    case 'label': {
      const pairs = instruction.pairs.map(({ name, value }) => [expand.one(name), expand.one(value)] as const);
      const Labels = { ...config.Labels, ...Object.fromEntries(pairs) };
      return { config: { ...config, Labels }, comment: `LABEL ${shown(pairs)}` };
    }
    case 'cmd': {
      const Cmd = commandLine(config, instruction);
      return { config: { ...config, Cmd }, comment: `CMD ${quotedList(Cmd)}` };
    }
    case 'entrypoint': {
      // Without words it is none, not a shell without a command.
      const Entrypoint = instruction.command.length === 0 ? [] : commandLine(config, instruction);
      const { Cmd, Entrypoint: _, ...rest } = config;
      return {
        config: {
          ...rest,
          ...(hasCommand && Cmd && { Cmd }),
          ...(Entrypoint.length > 0 && { Entrypoint }),
        },
        comment: `ENTRYPOINT ${quotedList(Entrypoint)}`,
      };
    }
    case 'expose': {
      const words = instruction.texts.flatMap((text) => expand.all(text));
      const opened = Object.fromEntries(exposedPorts(words).map((port) => [port, {}]));
      return {
        config: { ...config, ExposedPorts: { ...config.ExposedPorts, ...opened } },
        comment: `EXPOSE ${words.join(' ')}`,
      };
    }
    case 'volume': {
      const paths = instruction.texts.map(expand.one);
      const Volumes = { ...config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) };
      return { config: { ...config, Volumes }, comment: `VOLUME ${plainList(paths)}` };
    }
    case 'user': {
      const User = expand.one(instruction.text);
      return { config: { ...config, User }, comment: `USER ${User}` };
    }
    case 'stopsignal': {
      const StopSignal = expand.one(instruction.text);
      signalNumber(StopSignal);
      return { config: { ...config, StopSignal }, comment: `STOPSIGNAL ${StopSignal}` };
    }
    case 'shell':
      return { config: { ...config, Shell: instruction.texts }, comment: `SHELL ${plainList(instruction.texts)}` };
    case 'onbuild':
      return {
        config: { ...config, OnBuild: [...(config.OnBuild ?? []), instruction.text] },
        comment: `ONBUILD ${instruction.text}`,
      };
    case 'healthcheck':
      return changeHealthcheck(config, instruction.healthcheck);
  }
}

function changeHealthcheck(config: BuildConfig, healthcheck: Healthcheck): ConfigChange {
  const before = config.Healthcheck;
  const { Test = [], Interval = 0, Timeout = 0, StartPeriod = 0, Retries = 0 } = healthcheck;
  const times = [Interval, Timeout, StartPeriod].map((time) => `"${goDuration(time)}"`).join(' ');
  const isOverridden = before?.Test?.[0] !== undefined && before.Test[0] !== 'NONE';
  return {
    // What it does not say is as it was: so it comes out of a container of the image before.
    config: { ...config, Healthcheck: { ...before, ...healthcheck } },
    comment: `HEALTHCHECK &{${quotedList(Test)} ${times} ${quotedRune(Retries)}}`,
    ...(isOverridden && { note: `Note: overriding previous HEALTHCHECK: ${plainList(before?.Test ?? [])}\n` }),
  };
}

const shown = (pairs: readonly (readonly [string, string])[]): string =>
  pairs.map(([name, value]) => `${name}=${value}`).join(' ');

/** Where WORKDIR leads. @throws invalid for nothing */
export function workingDirectory(current: string, asked: string): string {
  if (asked === '') throw failed('cannot normalize nothing');
  return posix.isAbsolute(asked) ? asked : posix.join('/', current, asked).replace(/(?<=.)\/$/, '');
}
