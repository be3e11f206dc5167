import type { Healthcheck } from '../oci/image.ts';
import type { Lines } from './errors.ts';
import type { Heredoc } from './heredoc.ts';

/** One instruction, checked as far as that goes without a build. Variables are not expanded yet. */
export type Instruction = Common &
  (
    | From
    | Each<'run' | 'cmd' | 'entrypoint', Command>
    | Each<'copy' | 'add', Files>
    | Each<'env' | 'label', { readonly pairs: readonly Pair[] }>
    | { readonly kind: 'arg'; readonly args: readonly Argument[] }
    | Each<'workdir' | 'user' | 'stopsignal' | 'maintainer' | 'onbuild', { readonly text: string }>
    | Each<'expose' | 'volume' | 'shell', { readonly texts: readonly string[] }>
    | { readonly kind: 'healthcheck'; readonly healthcheck: Healthcheck }
  );

type Each<K, T> = K extends string ? { readonly kind: K } & T : never;

interface Common {
  /** As dockerd shows it in its steps. */
  readonly original: string;
  readonly lines: Lines;
}

export interface From {
  readonly kind: 'from';
  readonly base: string;
  readonly platform?: string;
  /** In small letters. */
  readonly name?: string;
}

export interface Command {
  readonly command: readonly string[];
  /** It is for the shell. */
  readonly isShell: boolean;
  /** The first flag: what only BuildKit can do, and is refused when the step's turn comes. */
  readonly flag?: string;
  readonly heredocs: readonly Heredoc[];
}

export interface Files {
  readonly sources: readonly string[];
  readonly destination: string;
  readonly heredocs: readonly Heredoc[];
  /** Stage or image. */
  readonly from?: string;
  readonly chown?: string;
  readonly chmod?: string;
  /** 'sha256:...' of what is fetched. */
  readonly checksum?: string;
}

export interface Pair {
  readonly name: string;
  readonly value: string;
}

export interface Argument {
  readonly name: string;
  readonly value?: string;
}

export type InstructionOf<K extends Instruction['kind']> = Extract<Instruction, { kind: K }>;

export interface Stage {
  readonly from: Common & From;
  readonly instructions: readonly Instruction[];
}
