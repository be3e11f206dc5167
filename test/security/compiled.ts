import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Compiles a program of ./programs, so that it runs in any container. */
export function compiled(source: string, program: string): string {
  const path = fileURLToPath(new URL(`programs/${source}`, import.meta.url));
  execFileSync('cc', ['-O1', '-static', '-Wall', '-Werror', '-D_GNU_SOURCE', '-o', program, path]);
  return program;
}
