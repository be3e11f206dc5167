// biome-ignore-all lint/suspicious/noTemplateCurlyInString: so are the variables of a Dockerfile written
import assert from 'node:assert/strict';
import { expandText, expandWord, expandWords } from '../../../src/agent/dockerfile/expand.ts';
import { ignoreMatcher } from '../../../src/agent/dockerfile/ignore.ts';

const set: Readonly<Record<string, string>> = { a: 'one', b: 'foo.tar.gz', empty: '', two: 'x y' };
const variables = (name: string): string | undefined => (Object.hasOwn(set, name) ? set[name] : undefined);

describe('a word is expanded', () => {
  const words: readonly (readonly [word: string, expected: string])[] = [
    ['$a-${a}', 'one-one'],
    ['\\$a', '$a'],
    ["'$a'", '$a'],
    ['"$a \\" \\n \\$a"', 'one " \\n $a'],
    ['$none.$', '.$'],
    ['${none:-d}${empty:-e}${a:-f}', 'deone'],
    ['${none-d}|${empty-e}', 'd|'],
    ['${a:+y}${empty:+z}${empty+w}', 'yw'],
    ['${none:-${a}}', 'one'],
    ['${b#*.}', 'tar.gz'],
    ['${b##*.}', 'gz'],
    ['${b%.*}', 'foo.tar'],
    ['${b%%.*}', 'foo'],
    ['${b/o/0}', 'f0o.tar.gz'],
    ['${b//o/0}', 'f00.tar.gz'],
    ['a\\ b', 'a b'],
  ];
  for (const [word, expected] of words) it(word, () => assert.equal(expandWord(word, variables, '\\'), expected));

  it('into several where spaces part them', () => {
    assert.deepEqual(expandWords('$two"$two" z', variables, '\\'), ['x', 'yx y', 'z']);
  });

  it('in a here-document, whose quotes stay', () => {
    assert.equal(expandText('"$a" \'${a}\' \\$a\n', variables, '\\'), '"one" \'one\' $a\n');
  });

  const wrong: readonly (readonly [word: string, words: string])[] = [
    ['${a', "missing ':' in substitution"],
    ['${', "syntax error: missing '}'"],
    ['${}', 'syntax error: bad substitution'],
    ['${a:~b}', 'unsupported modifier (~) in substitution'],
    ['${none:?must be}', 'none: must be'],
    ["'a", 'unexpected end of statement while looking for matching single-quote'],
    ['"a', 'unexpected end of statement while looking for matching double-quote'],
  ];
  for (const [word, words] of wrong) {
    it(`${word} is refused`, () => {
      assert.throws(() => expandWord(word, variables, '\\'), {
        message: `failed to process ${JSON.stringify(word)}: ${words}`,
      });
    });
  }
});

describe('.dockerignore', () => {
  it('takes exceptions, ** and what lies in a directory', () => {
    const isIgnored = ignoreMatcher('# comment\n*\n!a\n!d/e\n/root.txt\n**/x\n[b-c]?\n');
    const paths = ['a', 'c', 'd/e', 'd/f', 'a/x', 'q/w/x', 'bz', '.dockerignore'];
    assert.deepEqual(paths.filter(isIgnored), ['c', 'd/f', 'a/x', 'q/w/x', 'bz', '.dockerignore']);
  });
});
