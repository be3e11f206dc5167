import { wrong } from './errors.ts';

/** A here-document: lines that follow an instruction up to a line of its name. */
export interface Heredoc {
  readonly name: string;
  /** Variables in it are expanded by COPY and ADD: its name was written without quotes. */
  readonly expands: boolean;
  readonly content: string;
}

const opening = /(?<=^|\s)(\d*)<<(-?)(?:"([^"<>\s]+)"|'([^'<>\s]+)'|([A-Za-z_][\w.-]*))(?=$|[\s;|&>)])/g;
const takers = /^\s*(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s/i;

/**
 * The here-documents that an instruction opens, from the lines that follow it.
 * @throws invalid when one does not end.
 */
export function heredocsOf(
  line: string,
  following: readonly string[],
): { readonly heredocs: readonly Heredoc[]; readonly lines: number } {
  if (!takers.test(line) || !line.includes('<<')) return { heredocs: [], lines: 0 };
  const heredocs: Heredoc[] = [];
  let at = 0;
  for (const [, , dash, double, single, bare] of line.matchAll(opening)) {
    const name = double ?? single ?? bare ?? '';
    const untabbed = (text: string): string => (dash === '-' ? text.replace(/^\t+/, '') : text);
    const length = following.slice(at).findIndex((each) => untabbed(each) === name);
    if (length < 0) throw wrong('unterminated heredoc');
    const content = following.slice(at, at + length).map((each) => `${untabbed(each)}\n`);
    heredocs.push({ name, expands: bare !== undefined, content: content.join('') });
    at += length + 1;
  }
  return { heredocs, lines: at };
}

/** The here-document that an argument of COPY or ADD stands for. */
export function heredocOf(argument: string, heredocs: readonly Heredoc[]): Heredoc | undefined {
  const [, , , double, single, bare] = [...argument.matchAll(opening)].at(0) ?? [];
  const name = double ?? single ?? bare;
  return name === undefined ? undefined : heredocs.find((each) => each.name === name);
}
