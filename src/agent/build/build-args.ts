import type { Variables } from '../dockerfile/expand.ts';

/** Known without an ARG, and not part of what the cache compares. */
const builtin = new Set(
  ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
);

/** ARG by Docker's rules: what the user gave wins over defaults, a stage sees only what it declared. */
export class BuildArgs {
  readonly #given: ReadonlyMap<string, string | undefined>;
  readonly #platform: Readonly<Record<string, string>>;
  readonly #meta: Map<string, string | undefined>;
  readonly #referenced: Set<string>;
  #declared = new Map<string, string | undefined>();

  /** @param options.platform TARGETPLATFORM and the like, for those who declare them. */
  constructor(options: {
    readonly given: ReadonlyMap<string, string | undefined>;
    readonly platform: Readonly<Record<string, string>>;
  }) {
    this.#given = options.given;
    this.#platform = options.platform;
    this.#meta = new Map(Object.entries(options.platform));
    this.#referenced = new Set();
  }

  /** For one stage: nothing is declared yet. */
  forStage(): BuildArgs {
    const copy = new BuildArgs({ given: this.#given, platform: this.#platform });
    for (const [name, value] of this.#meta) copy.#meta.set(name, value);
    return copy;
  }

  declare(name: string, value: string | undefined): void {
    this.#declared.set(name, value);
    this.#referenced.add(name);
  }

  declareMeta(name: string, value: string | undefined): void {
    this.declare(name, value);
    this.#meta.set(name, value);
  }

  isReferencedOrNotBuiltin(name: string): boolean {
    return this.#referenced.has(name) || !builtin.has(name);
  }

  get referenced(): ReadonlySet<string> {
    return this.#referenced;
  }

  /** Names and values that instructions of the stage see. */
  allowed(): Map<string, string> {
    return this.#all(this.#declared);
  }

  /** What FROM sees. */
  readonly meta: Variables = (name) => this.#all(this.#meta).get(name);

  /** `NAME=value` of those that the environment does not set already. */
  beside(environment: readonly string[]): string[] {
    const set = new Set(environment.map((line) => line.split('=', 1)[0]));
    return [...this.allowed()].filter(([name]) => !set.has(name)).map(([name, value]) => `${name}=${value}`);
  }

  /** What the user gave and nobody asked for. */
  unused(referenced: ReadonlySet<string>): string[] {
    return [...this.#given.keys()].filter((name) => !builtin.has(name) && !referenced.has(name)).sort();
  }

  #all(source: ReadonlyMap<string, string | undefined>): Map<string, string> {
    const found = new Map<string, string>();
    for (const name of [...source.keys(), ...builtin]) {
      const value = this.#value(name, source.get(name));
      if (value !== undefined) found.set(name, value);
    }
    return found;
  }

  #value(name: string, otherwise: string | undefined): string | undefined {
    return this.#given.get(name) ?? otherwise ?? this.#meta.get(name);
  }
}
