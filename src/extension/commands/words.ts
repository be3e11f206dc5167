/**
 * Splits a command line into its words as a shell would: blanks separate, single quotes keep everything, double quotes
 * and backslashes protect. Nothing is expanded. An unclosed quote runs to the end.
 *
 * @example splitWords(`sh -c 'echo "hi"'`) // ['sh', '-c', 'echo "hi"']
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let index = 0; index < line.length; index += 1) {
    const mark = line.charAt(index);
    const next = line.charAt(index + 1);
    if (mark === '\\' && quote !== "'" && next !== '' && (quote === '' || next === '"' || next === '\\')) {
      word = (word ?? '') + next;
      index += 1;
    } else if (quote !== '') {
      if (mark === quote) quote = '';
      else word = (word ?? '') + mark;
    } else if (mark === "'" || mark === '"') {
      quote = mark;
      word ??= '';
    } else if (/\s/.test(mark)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + mark;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}
