import assert from 'node:assert/strict';
import { parseDockerfile } from '../../../src/agent/dockerfile/dockerfile.ts';
import { DockerfileFailure } from '../../../src/agent/dockerfile/errors.ts';

/** The instructions of a single stage that begins with FROM x, without what every one has. */
function instructions(text: string): unknown[] {
  const { stages } = parseDockerfile(`FROM x\n${text}`);
  return stages.flatMap((stage) => stage.instructions.map(({ original: _, lines: _lines, ...rest }) => rest));
}

function failure(text: string): DockerfileFailure {
  try {
    parseDockerfile(text);
  } catch (thrown) {
    if (thrown instanceof DockerfileFailure) return thrown;
    throw thrown;
  }
  throw new Error('it was read');
}

describe('a Dockerfile is read', () => {
  const read: readonly (readonly [what: string, text: string, expected: unknown])[] = [
    ['a shell command', 'RUN echo  a', { kind: 'run', command: ['echo  a'], isShell: true, heredocs: [] }],
    ['a command in JSON', 'CMD ["a","b c"] # x', { kind: 'cmd', command: ['a', 'b c'], isShell: false, heredocs: [] }],
    ['what only looks like JSON', 'CMD [a', { kind: 'cmd', command: ['[a'], isShell: true, heredocs: [] }],
    [
      'a command that goes on, around comments',
      'RUN a \\\n # no\n  b \\\n\n c',
      { kind: 'run', command: ['a   b  c'], isShell: true, heredocs: [] },
    ],
    ['an escaped backslash at its end', 'RUN a\\\\', { kind: 'run', command: ['a\\\\'], isShell: true, heredocs: [] }],
    [
      'variables in quotes',
      'ENV a="b c" d=e\\ f',
      {
        kind: 'env',
        pairs: [
          { name: 'a', value: '"b c"' },
          { name: 'd', value: 'e\\ f' },
        ],
      },
    ],
    ['a variable of the old form', 'ENV a b  c', { kind: 'env', pairs: [{ name: 'a', value: 'b  c' }] }],
    ['arguments', 'ARG a b=c', { kind: 'arg', args: [{ name: 'a' }, { name: 'b', value: 'c' }] }],
    [
      'files with flags',
      'COPY --from=y --chown=1:2 --chmod=644 --link a b /c/',
      { kind: 'copy', sources: ['a', 'b'], destination: '/c/', heredocs: [], from: 'y', chown: '1:2', chmod: '644' },
    ],
    ['files in JSON', 'ADD ["a b","c"]', { kind: 'add', sources: ['a b'], destination: 'c', heredocs: [] }],
    [
      'a here-document',
      'COPY <<-"X" <<Y /z/\n\ta\n\tX\nb\nY\nUSER u',
      {
        kind: 'copy',
        sources: ['<<-"X"', '<<Y'],
        destination: '/z/',
        heredocs: [
          { name: 'X', expands: false, content: 'a\n' },
          { name: 'Y', expands: true, content: 'b\n' },
        ],
      },
    ],
    ['ports, sorted', 'EXPOSE 80 70/udp', { kind: 'expose', texts: ['70/udp', '80'] }],
    ['a trigger', 'onbuild  run a', { kind: 'onbuild', text: 'run a' }],
    [
      'a health check',
      'HEALTHCHECK --interval=1m30s --retries=2 CMD a b',
      { kind: 'healthcheck', healthcheck: { Test: ['CMD-SHELL', 'a b'], Interval: 9e10, Retries: 2 } },
    ],
    ['a shell', 'SHELL ["/bin/sh", "-e"]', { kind: 'shell', texts: ['/bin/sh', '-e'] }],
    ['what BuildKit alone can do, for later', 'RUN --mount=type=cache a', { ...run('a'), flag: 'mount' }],
  ];
  for (const [what, text, expected] of read) {
    it(what, () => assert.deepEqual(instructions(text)[0], expected));
  }

  it('stages with their names, platforms and lines', () => {
    const { metaArgs, stages } = parseDockerfile(
      '# c\nARG v=1\nFROM a:$v AS One\nRUN \\\n x\n\nFROM --platform=linux b\n',
    );
    assert.deepEqual(metaArgs[0]?.args, [{ name: 'v', value: '1' }]);
    assert.deepEqual(
      stages.map(({ from }) => [from.base, from.name, from.platform, from.lines]),
      [
        ['a:$v', 'one', undefined, { start: 3, end: 3 }],
        ['b', undefined, 'linux', { start: 7, end: 7 }],
      ],
    );
    assert.deepEqual(stages[0]?.instructions[0]?.lines, { start: 4, end: 5 });
  });

  it('directives, a byte order mark and lines that end as on Windows', () => {
    const file = parseDockerfile('\uFEFF# syntax=docker/dockerfile:1\r\n# escape=`\r\nFROM x\r\nRUN a `\r\n b\r\n');
    assert.equal(file.escapeToken, '`');
    assert.equal(file.stages[0]?.instructions[0]?.original, 'RUN a  b');
  });

  it('with a warning of empty lines in an instruction', () => {
    assert.deepEqual(parseDockerfile('FROM x\nRUN a \\\n\n b\n').warnings, [
      '[WARNING]: Empty continuation line found in:\n    RUN a  b',
      '[WARNING]: Empty continuation lines will become errors in a future release.',
    ]);
  });
});

describe('a Dockerfile is refused in dockerd’s words, with the lines', () => {
  const wrong: readonly (readonly [text: string, words: string, lines: readonly [number, number]])[] = [
    ['FROM x\nFOO a\n', 'dockerfile parse error line 2: unknown instruction: FOO', [2, 2]],
    ['RUN a\n', 'no build stage in current context', [1, 1]],
    ['# only\n', 'failed to parse Dockerfile: file with no instructions', [1, 1]],
    ['# escape=x\nFROM x\n', "failed to parse Dockerfile: invalid escape token 'x' does not match ` or \\", [1, 1]],
    ['FROM x\nENV a\n', 'failed to parse Dockerfile: ENV must have two arguments', [2, 2]],
    [
      'FROM x\nENV a=b c\n',
      'failed to parse Dockerfile: Syntax error - can\'t find = in "c". Must be of the form: name=value',
      [2, 2],
    ],
    [
      'FROM x\nCMD ["a", 1]\n',
      'failed to parse Dockerfile: when using JSON array syntax, arrays must be comprised of strings only',
      [2, 2],
    ],
    ['FROM x\nRUN --foo=1 \\\n a\n', 'dockerfile parse error line 2: Unknown flag: foo', [2, 3]],
    ['FROM x\nCOPY --chown=1 --chown=2 a b', 'dockerfile parse error line 2: Duplicate flag specified: chown', [2, 2]],
    [
      'FROM x\nCOPY a\n',
      'dockerfile parse error line 2: COPY requires at least two arguments, but only one was provided. Destination could not be determined',
      [2, 2],
    ],
    [
      'FROM x as 1a\n',
      `dockerfile parse error line 1: invalid name for build stage: "1a", name can't start with a number or contain symbols`,
      [1, 1],
    ],
    ['FROM a b\n', 'dockerfile parse error line 1: FROM requires either one or three arguments', [1, 1]],
    ['FROM x\nONBUILD FROM y\n', "dockerfile parse error line 2: FROM isn't allowed as an ONBUILD trigger", [2, 2]],
    [
      'FROM x\nHEALTHCHECK --interval=1us CMD a',
      'dockerfile parse error line 2: Interval "interval" cannot be less than 1ms',
      [2, 2],
    ],
    ['FROM x\nSHELL a\n', 'dockerfile parse error line 2: SHELL requires the arguments to be in JSON form', [2, 2]],
    ['FROM x\nRUN <<E\na\n', 'failed to parse Dockerfile: unterminated heredoc', [2, 2]],
  ];
  for (const [text, words, [start, end]] of wrong) {
    it(JSON.stringify(text), () => {
      const { message, lines } = failure(text);
      assert.deepEqual([message, lines], [words, { start, end }]);
    });
  }
});

function run(command: string) {
  return { kind: 'run', command: [command], isShell: true, heredocs: [] };
}
