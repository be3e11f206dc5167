import { type Phrase, phrase } from '../../base/phrases.ts';

/** What a shell's or the kernel's exit code usually means; undefined for a program's own codes. */
export function exitWords(code: number): Phrase | undefined {
  switch (code) {
    case 126:
      return phrase('126: the program was found but could not be executed.');
    case 127:
      return phrase('127: the program was not found. Look into the logs for its name.');
    case 137:
      return phrase('137: ended by SIGKILL.');
    case 139:
      return phrase('139: ended by SIGSEGV, an invalid access to memory.');
    case 143:
      return phrase('143: ended by SIGTERM, the usual request to stop.');
    default:
      return undefined;
  }
}
