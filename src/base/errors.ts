import { Phrase } from './phrases.ts';

/**
 * The closed set of ways in which an operation can fail. One map turns a kind into an HTTP status
 * (`agent/api/status.ts`), one into what the user sees (`extension/problems.ts`).
 */
export type ErrorKind =
  | 'not-found'
  | 'conflict'
  | 'invalid'
  | 'unauthorized'
  | 'forbidden'
  | 'unavailable'
  | 'not-modified'
  | 'unsupported'
  | 'canceled'
  | 'internal';

/**
 * The project's one error class. Features make theirs through small factories that live next to them:
 *
 * @example
 * export const noSuchImage = (name: string) => new PortholeError('not-found', `No such image: ${name}`);
 */
export class PortholeError extends Error {
  readonly kind: ErrorKind;
  /** The message for translation; undefined when it is in somebody else's words, such as an engine's. */
  readonly phrase: Phrase | undefined;

  constructor(kind: ErrorKind, message: string | Phrase, options?: { cause?: unknown }) {
    super(String(message), options);
    this.name = 'PortholeError';
    this.kind = kind;
    this.phrase = message instanceof Phrase ? message : undefined;
  }
}

export const canceled = (what: string): PortholeError => new PortholeError('canceled', `${what} was canceled`);

/** True for a `PortholeError` of the given kind. */
export function isKind(error: unknown, kind: ErrorKind): error is PortholeError {
  return error instanceof PortholeError && error.kind === kind;
}

/** The text of whatever was thrown; never empty. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  return String(thrown) || 'unknown error';
}

/** The same for a sentence that is to be translated: what was thrown as a phrase where it is one. */
export const phraseOf = (thrown: unknown): Phrase | string =>
  (thrown instanceof PortholeError ? thrown.phrase : undefined) ?? messageOf(thrown);

/** The `code` of a system error such as `ENOENT`, else undefined. */
export function errnoOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
