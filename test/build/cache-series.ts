import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command, type Engine } from '../conformance/engine.ts';
import { Context, type Edit } from './cache-edits.ts';

type Found = ReadonlyMap<Engine['name'], string>;

/** Edits, and after each a build on every engine. They are done in their order, each once, whichever is asked for. */
export class Series {
  readonly #edits: readonly Edit[];
  readonly #engines: () => readonly Engine[];
  readonly #found: Found[] = [];
  #context: Context | undefined;

  constructor(edits: readonly Edit[], engines: () => readonly Engine[]) {
    this.#edits = edits;
    this.#engines = engines;
  }

  /** Which steps each engine found in its cache after the edit. */
  async upTo(edit: Edit): Promise<Found> {
    this.#context ??= new Context(await mkdtemp(join(tmpdir(), 'porthole-series-')));
    const wanted = this.#edits.indexOf(edit);
    for (const next of this.#edits.slice(this.#found.length, wanted + 1)) {
      await next.change?.(this.#context);
      this.#found.push(await this.#build(this.#context, next.flags ?? []));
    }
    return this.#found[wanted] ?? new Map();
  }

  async close(): Promise<void> {
    if (this.#context) await rm(this.#context.directory, { recursive: true, force: true });
  }

  async #build(context: Context, flags: readonly string[]): Promise<Found> {
    await context.write('Dockerfile', `${context.lines.join('\n')}\n`);
    const line = ['docker', 'build', '-t', 'series', ...flags, '.'];
    const found = this.#engines().map(async (engine): Promise<[Engine['name'], string]> => {
      const { code, stdout, stderr } = await command(line, { engine, cwd: context.directory, timeoutMs: 90_000 });
      assert.equal(code, 0, `${engine.name}: ${stderr}${stdout}`);
      return [engine.name, stepsIn(stdout)];
    });
    return new Map(await Promise.all(found));
  }
}

/** One letter per step, as `Edit.steps` has them. */
function stepsIn(output: string): string {
  return output
    .split(/^Step \d+\/\d+ : /m)
    .slice(1)
    .map((step) => (/^FROM\b/i.test(step) ? '-' : /^ ---> Using cache$/m.test(step) ? '=' : '+'))
    .join('');
}
