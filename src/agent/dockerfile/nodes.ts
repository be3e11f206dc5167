import { withoutTrailing } from '../../base/trailing.ts';
import type { Lines } from './errors.ts';
import { DockerfileFailure, wrong } from './errors.ts';
import { type Heredoc, heredocsOf } from './heredoc.ts';
import { jsonArray, labelWords, splitFlags, wordsOf } from './words.ts';

/** One instruction of a Dockerfile as it is written: nothing of it is expanded or checked. */
export interface DockerfileNode {
  /** In capitals. */
  readonly keyword: string;
  /** The whole instruction without comments, its continued lines joined. */
  readonly original: string;
  /** `--name=value`, in order. */
  readonly flags: readonly string[];
  readonly args: readonly string[];
  /** The arguments were given as a JSON array. */
  readonly isJson: boolean;
  readonly heredocs: readonly Heredoc[];
  readonly lines: Lines;
}

export interface DockerfileNodes {
  readonly nodes: readonly DockerfileNode[];
  /** The character that continues lines: a backslash unless a directive says backtick. */
  readonly escapeToken: string;
  /** Name and value of each parser directive. */
  readonly directives: ReadonlyMap<string, string>;
  /** In dockerd's words. */
  readonly warnings: readonly string[];
}

/**
 * Takes a Dockerfile apart by the rules of Docker's own parser, line by line.
 * @throws DockerfileFailure with dockerd's words and the line.
 */
export function parseNodes(text: string): DockerfileNodes {
  const source = text.replace(/^\uFEFF/, '').split('\n');
  if (source.at(-1) === '') source.pop();
  checkLengths(source);
  const lines = source.map((line) => line.replace(/\r$/, ''));
  const directives = new Directives();
  const nodes: DockerfileNode[] = [];
  const warnings: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const start = at + 1;
    const first = (lines[at++] ?? '').trimStart();
    placed({ start, end: start }, () => directives.see(first));
    let [line, more] = continued(withoutComment(first), directives.escapeToken);
    if (line === '' && !more) continue;
    let hasGap = false;
    while (more && at < lines.length) {
      const next = lines[at++] ?? '';
      if (isComment(next)) continue;
      if (next.trim() === '') {
        hasGap = true;
        continue;
      }
      const [part, goesOn] = continued(next, directives.escapeToken);
      line += part;
      more = goesOn;
    }
    if (hasGap) warnings.push(`[WARNING]: Empty continuation line found in:\n    ${line}`);
    const taken = placed({ start, end: at }, () => heredocsOf(line, lines.slice(at)));
    at += taken.lines;
    const where = { start, end: at };
    nodes.push(
      placed(where, () =>
        nodeOf(line, { escapeToken: directives.escapeToken, lines: where, heredocs: taken.heredocs }),
      ),
    );
  }
  if (warnings.length > 0) warnings.push('[WARNING]: Empty continuation lines will become errors in a future release.');
  if (nodes.length === 0)
    throw new DockerfileFailure('file with no instructions', { start: 1, end: Math.max(1, lines.length) });
  return { nodes, escapeToken: directives.escapeToken, directives: directives.found, warnings };
}

/** In bytes. Docker's reader gives up here, and whoever has such a line has no Dockerfile. */
const longestLine = 65_535;

function checkLengths(lines: readonly string[]): void {
  const at = lines.findIndex((line) => line.length * 3 > longestLine && bytesIn(line) > longestLine);
  if (at < 0) return;
  const where = { start: at + 1, end: at + 1 };
  throw new DockerfileFailure(`dockerfile line greater than max allowed size of ${longestLine}`, where);
}

/** In UTF-8. */
function bytesIn(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** One instruction that is not in a file: a trigger of ONBUILD. */
export function parseNode(line: string): DockerfileNode {
  const lines = { start: 1, end: 1 };
  return placed(lines, () => nodeOf(line, { escapeToken: '\\', lines, heredocs: [] }));
}

function placed<T>(lines: Lines, task: () => T): T {
  try {
    return task();
  } catch (failure) {
    if (failure instanceof DockerfileFailure || !(failure instanceof Error)) throw failure;
    throw new DockerfileFailure(failure.message, lines);
  }
}

const isComment = (line: string): boolean => line.trimStart().startsWith('#');
const withoutComment = (line: string): string => (line.startsWith('#') ? '' : line);

/** The line without a character that continues it at its end, and whether there was one; two of them are an escaped one. */
function continued(line: string, escapeToken: string): [line: string, more: boolean] {
  const bare = withoutTrailing(line, ' \t');
  const goesOn = bare.endsWith(escapeToken) && bare.at(-2) !== escapeToken;
  return goesOn ? [bare.slice(0, -1), true] : [line, false];
}

/** Directives are comments before everything else. */
class Directives {
  escapeToken = '\\';
  readonly found = new Map<string, string>();
  #over = false;

  see(line: string): void {
    if (this.#over) return;
    const [, name = '', given = ''] = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=(.+)$/.exec(line) ?? [];
    const value = given.trim() || ' ';
    const directive = name.toLowerCase();
    if (!known.has(directive)) {
      this.#over = true;
      return;
    }
    if (this.found.has(directive)) throw wrong(`only one ${directive} parser directive can be used`);
    this.found.set(directive, value);
    if (directive !== 'escape') return;
    if (value !== '`' && value !== '\\') throw wrong(`invalid escape token '${value}' does not match \` or \\`);
    this.escapeToken = value;
  }
}

const known = new Set(['escape', 'syntax', 'check']);

interface Around {
  readonly escapeToken: string;
  readonly lines: Lines;
  readonly heredocs: readonly Heredoc[];
}

function nodeOf(line: string, around: Around): DockerfileNode {
  const [, word = '', tail = ''] = /^(\S+)(?:[\t\v\f\r ]+(.*))?$/s.exec(line.trim()) ?? [];
  const { flags, rest } = splitFlags(tail);
  const keyword = word.toUpperCase();
  return {
    keyword,
    original: line,
    flags,
    lines: around.lines,
    heredocs: around.heredocs,
    ...argumentsOf(keyword, rest.trim(), around.escapeToken),
  };
}

type Arguments = Pick<DockerfileNode, 'args' | 'isJson'>;

const plain = (args: readonly string[]): Arguments => ({ args, isJson: false });
const whole = (rest: string): Arguments => plain(rest === '' ? [] : [rest]);
const spaced = (rest: string): Arguments => plain(rest.split(/[\t\v\f\r ]+/).filter((word) => word !== ''));

function argumentsOf(keyword: string, rest: string, escapeToken: string): Arguments {
  switch (keyword) {
    case 'RUN':
    case 'CMD':
    case 'ENTRYPOINT':
    case 'SHELL':
      return jsonOr(rest, whole);
    case 'ADD':
    case 'COPY':
    case 'VOLUME':
      return jsonOr(rest, spaced);
    case 'ARG':
      return plain(wordsOf(rest, escapeToken));
    case 'ENV':
    case 'LABEL':
      return plain(labelWords(rest, { keyword, escapeToken }));
    case 'EXPOSE':
    case 'FROM':
      return spaced(rest);
    case 'HEALTHCHECK': {
      const [, kind = '', command = ''] = /^(\S*)\s*(.*)$/s.exec(rest) ?? [];
      if (kind === '') return plain([]);
      const { args, isJson } = jsonOr(command, whole);
      return { args: [kind, ...args], isJson };
    }
    case 'ONBUILD':
      if (rest === '') return plain([]);
      // What is triggered is checked now as far as its words go.
      return plain([nodeOf(rest, { escapeToken, lines: { start: 1, end: 1 }, heredocs: [] }).keyword]);
    default:
      return whole(rest);
  }
}

function jsonOr(rest: string, otherwise: (rest: string) => Arguments): Arguments {
  const array = jsonArray(rest);
  return array === undefined ? otherwise(rest) : { args: array, isJson: true };
}
