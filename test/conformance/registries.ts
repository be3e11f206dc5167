import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { docker, type Engine } from './engine.ts';
import { normalized } from './normalized.ts';

/** Words of the command lines and what they stand for with one engine. */
export type Places = Readonly<Record<string, string>>;

/** What is typed after `docker `; behind a `~` it only prepares. With something on its standard input. */
export type RegistryLine = string | readonly [line: string, input: string];

/**
 * The same command lines with each engine: what they say is equal once the engine's own places have their words again.
 * @param setup.directory for the configurations that the command keeps.
 */
export async function sameOnBoth(
  setup: {
    readonly engines: readonly Engine[];
    readonly directory: string;
    readonly placesOf: (engine: Engine) => Places;
  },
  lines: readonly RegistryLine[],
): Promise<void> {
  const { engines, directory, placesOf } = setup;
  const [ours, theirs] = await Promise.all(
    engines.map(async (engine) => {
      const places = placesOf(engine);
      const config = await mkdtemp(join(directory, 'config-'));
      const filled = (text: string): string =>
        Object.entries(places).reduce((so, [word, at]) => so.replaceAll(word, at), text);
      const names = [
        [config, 'CONFIG'],
        ...Object.entries(places).map(([word, at]) => [at, word]),
        [`${engine.name}/`, 'ENGINE/'],
      ];
      const clean = (text: string): string =>
        names
          .reduce((so, [at = '', word = '']) => so.replaceAll(at, word), normalized(text, engine))
          // What a layer is doing meanwhile is told when somebody has time for it.
          .replace(/^\w+: (Verifying Checksum|Download complete|Waiting)\n/gm, '');
      const said: object[] = [];
      for (const each of lines) {
        const [line, input = ''] = typeof each === 'string' ? [each] : each;
        const words = filled(line.replace(/^~/, '')).split(' ');
        const outcome = await docker(engine, ['--config', config, ...words], {
          input: filled(input),
          timeoutMs: 60_000,
        });
        // Prepares; only its success counts.
        if (line.startsWith('~')) assert.equal(outcome.code, 0, `${line} on ${engine.name}: ${outcome.stderr}`);
        else said.push({ line, code: outcome.code, stdout: clean(outcome.stdout), stderr: clean(outcome.stderr) });
      }
      return said;
    }),
  );
  assert.deepEqual(ours, theirs);
}
