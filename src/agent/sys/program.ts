import { execFile } from 'node:child_process';
import { errnoOf } from '../../base/errors.ts';

export interface ProgramResult {
  /** 127 when there is no such program. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Milliseconds: for programs that ask a daemon of the host which may hang. */
const patience = 60_000;

/** Runs a program of the host to its end; never rejects. The words are in English, whoever's locale it is. */
export function runProgram(program: string, args: readonly string[]): Promise<ProgramResult> {
  const options = { timeout: patience, env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 1 << 20 };
  return new Promise((resolve) => {
    execFile(program, [...args], options, (failure, stdout, stderr) => {
      if (failure === null) resolve({ code: 0, stdout, stderr });
      else if (errnoOf(failure) === 'ENOENT') resolve({ code: 127, stdout, stderr: `there is no program ${program}` });
      else resolve({ code: typeof failure.code === 'number' ? failure.code : 1, stdout, stderr });
    });
  });
}
