import assert from 'node:assert/strict';
import { formatMemory, formatMode, formatNanoseconds, formatPercent, formatSize } from '../../../src/base/units.ts';
import { hostNames } from '../../../src/extension/commands/config-hosts.ts';
import { followAnswers } from '../../../src/extension/commands/load-answers.ts';
import { splitWords } from '../../../src/extension/commands/words.ts';
import { cleanInstruction } from '../../../src/extension/instruction.ts';

function table<I, O>(name: string, run: (input: I) => O, rows: readonly (readonly [I, O])[]): void {
  describe(name, () => {
    for (const [input, expected] of rows) {
      it(`${JSON.stringify(input)} -> ${JSON.stringify(expected)}`, () => assert.deepEqual(run(input), expected));
    }
  });
}

describe('Words', () => {
  table('of sizes', formatSize, [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [4_263_154, '4.26 MB'],
    [999_999_999, '1 GB'],
    [-5, '0 B'],
  ]);
  table('of memory', formatMemory, [
    [67_108_864, '64 MiB'],
    [1536, '1.5 KiB'],
    [1023.9, '1 KiB'],
  ]);
  table('of durations', formatNanoseconds, [
    [12, '12 ns'],
    [1234, '1.23 µs'],
    [312_000, '312 µs'],
    [1_520_000, '1.52 ms'],
    [2.5e9, '2.5 s'],
  ]);
  table('of shares', formatPercent, [
    [0.04, '0.04%'],
    [12.34, '12.3%'],
    [250.6, '251%'],
  ]);
  table('of modes', formatMode, [
    [0o755, '0755'],
    [0o4755, '4755'],
    [0, '0000'],
  ]);

  table('of a history\u2019s instruction', cleanInstruction, [
    ['', ''],
    ['/bin/sh -c #(nop)  CMD ["sh"]', 'CMD ["sh"]'],
    ['/bin/sh -c apt-get update &&     apt-get install -y x', 'RUN apt-get update && apt-get install -y x'],
    ['RUN /bin/sh -c make install # buildkit', 'RUN make install'],
    ['COPY file.txt /srv/ # buildkit', 'COPY file.txt /srv/'],
    [
      '/bin/sh -c #(nop) ADD file:4b03b5f551e3fbdf47ec609712007327828f7530cc3455c43bbcdcaf449a75a9 in / ',
      'ADD file → /',
    ],
    ['/bin/sh -c #(nop) COPY multi:8f8c2cf2fd3b0d5b1d4f8a7a2a1e in /app/', 'COPY files → /app/'],
    ['|2 A=1 B=two words /bin/sh -c echo $A', 'RUN echo $A'],
    ['RUN |1 VERSION=1.2 /bin/sh -c make # buildkit', 'RUN make'],
    ['/bin/bash -o pipefail -c curl x | tar x', 'RUN curl x | tar x'],
    ['WORKDIR /app', 'WORKDIR /app'],
    ['imported from tar', 'imported from tar'],
  ]);

  table('of a command line', splitWords, [
    ['', []],
    ['  ls   -l ', ['ls', '-l']],
    [`sh -c 'echo "hi there"'`, ['sh', '-c', 'echo "hi there"']],
    ['a"b c"d', ['ab cd']],
    ['"" x', ['', 'x']],
    ['a\\ b', ['a b']],
    ['"a\\"b\\n"', ['a"b\\n']],
    [`'unclosed x`, ['unclosed x']],
  ]);

  table('of an SSH configuration', hostNames, [
    ['', []],
    ['Host web db\n  User me\nhost *.corp !bad\nHOST=jump\n# Host no\nHost web # twice', ['web', 'db', 'jump']],
    ['Host "with blank" x?\nHostName y', ['with blank']],
  ]);

  describe('of a load', () => {
    const stream = (...lines: string[]) =>
      (async function* () {
        for (const line of lines) yield Buffer.from(line);
      })();

    it('are joined, even when cut in the middle', async () => {
      assert.equal(
        await followAnswers(stream('{"stream":"Loaded im', 'age: a:1\\n"}\n{"stream":"b"}\n')),
        'Loaded image: a:1 b',
      );
    });

    it('are an error when the engine refused', async () => {
      await assert.rejects(
        followAnswers(stream('{"errorDetail":{},"error":"the archive is cut off"}\n')),
        /the archive is cut off/,
      );
    });
  });
});
