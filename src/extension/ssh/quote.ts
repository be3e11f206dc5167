import { PortholeError } from '../../base/errors.ts';

/**
 * One argument for a POSIX shell, in single quotes.
 *
 * Also right for csh and fish, which may be the login shell, as long as the text has no line break and no backslash:
 * csh ends a quoted string at a line break, fish reads `\\` in single quotes. What Porthole sends itself has neither.
 */
export function quote(argument: string): string {
  if (argument.includes('\0')) throw new PortholeError('invalid', 'A command argument cannot hold a NUL character');
  return `'${argument.replaceAll("'", `'\\''`)}'`;
}

/**
 * A command line for sshd, which hands it to the user's login shell: `sh -c SCRIPT sh ARGUMENTS`, each quoted.
 * `exec` spares the login shell's process and passes signals and the exit code on.
 *
 * @param script one line; its arguments are $1, $2...
 */
export function shellCommand(script: string, args: readonly string[] = []): string {
  return ['exec', 'sh', '-c', quote(script), 'sh', ...args.map(quote)].join(' ');
}
