/**
 * What a Dockerfile's author wrote, out of what builders put into an image's history (`created_by`): the classic
 * builder wraps everything into a shell and marks what did not run with `#(nop)`, BuildKit appends its own mark.
 *
 * @example cleanInstruction('/bin/sh -c #(nop)  CMD ["sh"]') === 'CMD ["sh"]'
 * @returns '' when the history says nothing.
 */
export function cleanInstruction(createdBy: string): string {
  let text = createdBy.replace(/\s+/g, ' ').trim();
  text = text.replace(/ # buildkit$/, '');
  // Build arguments of a RUN step: a count, then that many NAME=value words.
  const counted = /^(RUN )?\|(\d+) /.exec(text);
  if (counted) text = `RUN ${afterArguments(text.slice(counted[0].length), Number(counted[2]))}`;
  const unexecuted = /^(?:RUN )?\/bin\/(?:ba|a)?sh -c #\(nop\) */.exec(text);
  if (unexecuted) return shortenSources(text.slice(unexecuted[0].length).trim());
  const shell = /^(?:RUN )?\/bin\/(?:ba|a)?sh (?:-o pipefail )?-e?c /.exec(text);
  if (shell) return `RUN ${text.slice(shell[0].length).trim()}`;
  return shortenSources(text);
}

/** Values are quoted by nobody, so a value with a space cannot be told apart: the shell that follows marks the end. */
function afterArguments(text: string, count: number): string {
  const shell = text.indexOf('/bin/sh -c ');
  if (shell >= 0) return text.slice(shell + '/bin/sh -c '.length);
  return text.split(' ').slice(count).join(' ');
}

/** `ADD file:4bf...: in /` names a checksum of the build context, which tells a reader nothing. */
function shortenSources(text: string): string {
  return text
    .replace(/\b(file|dir|multi):[0-9a-f]{12,}/g, (_, kind: string) => (kind === 'multi' ? 'files' : kind))
    .replace(/^(ADD|COPY) (file|dir|files) in (.+)$/, '$1 $2 → $3')
    .trim();
}
