import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDockerfile } from '../../src/agent/dockerfile/dockerfile.ts';
import { DockerfileFailure } from '../../src/agent/dockerfile/errors.ts';
import { expandText, expandWord, expandWords } from '../../src/agent/dockerfile/expand.ts';
import { PortholeError } from '../../src/base/errors.ts';
import { Random } from '../fuzz/random.ts';
import { findFixtures } from './fixture.ts';

const seed = Number(process.env['PORTHOLE_SEED'] ?? 4);
const rounds = Number(process.env['PORTHOLE_ROUNDS'] ?? 4_000);

/** Dockerfiles of the fixtures, damaged: each is read, or refused as invalid with the line where that is. */
describe(`fuzz: damaged Dockerfiles (PORTHOLE_SEED=${seed} PORTHOLE_ROUNDS=${rounds})`, function () {
  this.timeout(120_000);
  const sound = findFixtures()
    .map(({ directory }) => join(directory, 'Dockerfile'))
    .filter((path) => existsSync(path) && !/\/(long-line|line-too-long|dockerfile-is-directory)\//.test(path))
    .map((path) => readFileSync(path, 'utf8'));

  it('are read or refused with their line', () => {
    const outcomes = { read: 0, refused: 0 };
    for (let round = 0; round < rounds; round++) {
      const text = damaged(sound, Random.of(seed, round));
      try {
        parseDockerfile(text);
        outcomes.read++;
      } catch (failure) {
        checkRefusal(failure, text);
        outcomes.refused++;
      }
    }
    // One that is always read, or never, checks nothing.
    assert.ok(outcomes.read > rounds / 20 && outcomes.refused > rounds / 20, JSON.stringify(outcomes));
  });

  it('words are expanded or refused', () => {
    const variables = (name: string): string | undefined => ({ a: '1', empty: '', path: '/x/y.tar.gz' })[name];
    for (let round = 0; round < rounds; round++) {
      const random = Random.of(seed + 1, round);
      const word = Array.from({ length: 1 + random.below(12) }, () => random.pick(pieces)).join('');
      for (const expand of [expandWord, expandWords, expandText]) {
        for (const escapeToken of ['\\', '`']) {
          try {
            expand(word, variables, escapeToken);
          } catch (failure) {
            assert.ok(failure instanceof PortholeError && failure.kind === 'invalid', `${told(word)}: ${failure}`);
          }
        }
      }
    }
  });
});

const told = (text: string): string => JSON.stringify(text);

function checkRefusal(failure: unknown, text: string): void {
  assert.ok(failure instanceof DockerfileFailure, `${told(text)}: ${failure}`);
  assert.equal(failure.kind, 'invalid');
  assert.match(failure.message, /\S/);
  const { start, end } = failure.lines;
  const last = text.split('\n').length;
  assert.ok(start >= 1 && start <= end && end <= last, `${told(text)}: lines ${start} to ${end} of ${last}`);
}

const pieces = [
  ...['$', '${', '}', '{', ':', ':-', ':+', ':?', '#', '##', '%', '%%', '/', '//', '*', '?', '[', ']', '^', '!'],
  ...['a', 'empty', 'path', 'none', '1', '@', '$a', 'é', '日'],
  ...['{a}', '{none:-x}', '{path%.*}', '{path/x/y}', '{path##*/}'].map((rest) => `$${rest}`),
  ...['"', "'", '\\', '`', ' ', '\t', '\n', '\0', '=', '-', '.', '\u{1f433}', '\ud800'],
];

const inserts = [
  ...pieces,
  ...['\\\n', '`\n', '\r\n', '\n\n', '# escape=`\n', '# syntax=x\n', '#', '\ufeff', '<<EOF', '<<-"E"', '\nEOF\n', '--'],
  ...['--from=', '--chown=', '--chmod=8', '--mount=x', '--interval=1', '["', '"]', ',', '[]', '{}', '\\u12', '\x1b'],
  ...['FROM ', 'RUN ', 'COPY ', 'ADD ', 'ENV ', 'ARG ', 'LABEL ', 'ONBUILD ', 'HEALTHCHECK ', 'SHELL ', 'EXPOSE '],
  ...['VOLUME ', 'USER ', 'WORKDIR ', 'CMD ', 'ENTRYPOINT ', 'STOPSIGNAL ', 'MAINTAINER ', ' AS ', 'NONE', 'scratch'],
];

function damaged(sound: readonly string[], random: Random): string {
  let text = random.pick(sound);
  for (let times = 1 + random.below(4); times > 0; times--) text = damagedOnce(text, { sound, random });
  return text;
}

function damagedOnce(
  text: string,
  { sound, random }: { readonly sound: readonly string[]; readonly random: Random },
): string {
  const at = random.below(text.length + 1);
  const length = random.below(8);
  switch (random.below(6)) {
    case 0:
      return text.slice(0, at) + text.slice(at + length);
    case 1:
      return text.slice(0, at);
    case 2:
      return text.slice(0, at) + random.pick(sound).slice(random.below(20));
    case 3: {
      const lines = text.split('\n');
      return [...lines.slice(at % lines.length), ...lines.slice(0, at % lines.length)].join('\n');
    }
    default:
      return text.slice(0, at) + random.pick(inserts).repeat(1 + random.below(2)) + text.slice(at);
  }
}
