/**
 * The text without the run of such characters at its end, in the time that the run takes: a regular expression that ends
 * in `+$` begins anew at every character of every run, which who wrote the text can make take minutes.
 *
 * @example
 * withoutTrailing('a/b//', '/') // 'a/b'
 */
export function withoutTrailing(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}
