import * as v from 'valibot';
import { formatSize } from '../../base/units.ts';
import { cleanInstruction } from '../instruction.ts';

/** `GET /images/{name}/history`, the newest first. */
const History = v.array(
  v.object({
    Id: v.string(),
    /** Seconds since the epoch. */
    Created: v.number(),
    CreatedBy: v.string(),
    Comment: v.optional(v.string(), ''),
    /** Bytes. */
    Size: v.number(),
    Tags: v.nullish(v.array(v.string())),
  }),
);

/** Headers in the user's language. */
export interface HistoryWords {
  readonly created: string;
  readonly size: string;
  readonly instruction: string;
  readonly comment: string;
}

/**
 * What an image was made with, as `docker history` prints it: the newest step first. Instructions stand last and whole, with
 * names and comments below. Pure.
 */
export function historyTable(history: unknown, words: HistoryWords): string {
  const steps = v.parse(History, history);
  const rows = steps.map(({ Created, Size, CreatedBy, Comment, Tags }) => ({
    created: Created > 0 ? new Date(Created * 1000).toISOString().slice(0, 19).replace('T', ' ') : '',
    size: formatSize(Size),
    instruction: plain(cleanInstruction(CreatedBy)),
    notes: [...(Tags ?? []), Comment].filter(Boolean).map(plain),
  }));
  const wide = (key: 'created' | 'size') => Math.max(words[key].length, ...rows.map((row) => row[key].length));
  const [first, second] = [wide('created'), wide('size')];
  const line = (created: string, size: string, last: string) =>
    `${created.padEnd(first)}  ${size.padStart(second)}  ${last}`.trimEnd();
  const lines = rows.flatMap(({ created, size, instruction, notes }) => [
    line(created, size, instruction),
    ...notes.map((note) => line('', '', `# ${note}`)),
  ]);
  return `${[line(words.created, words.size, `${words.instruction}  # ${words.comment}`), ...lines].join('\n')}\n`;
}

/** Whoever made the image wrote it: nothing in it may move a cursor or turn the line around. */
const plain = (text: string): string => text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, ' ').trimEnd();
