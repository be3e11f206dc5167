import { messageOf, PortholeError } from '../../base/errors.ts';
import { PlanFailed } from '../shim/errors.ts';
import { StartFailed } from './errors.ts';

/** What the C library says for errnos that a program's start can end in. */
const words: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  ENOEXEC: 'exec format error',
  ELOOP: 'too many levels of symbolic links',
  E2BIG: 'argument list too long',
  ENOMEM: 'cannot allocate memory',
  EINVAL: 'invalid argument',
};

/**
 * Turns a failed plan into what dockerd says about it: clients (the docker command among them) read the exit code out of
 * these words: 127 not found, 126 not executable, 128 for everything that is not the program's fault.
 */
export function startFailure(thrown: unknown, kind: 'create' | 'exec'): StartFailed {
  if (thrown instanceof StartFailed) return thrown;
  const prefix =
    kind === 'create'
      ? 'failed to create shim task: OCI runtime create failed: porthole create failed'
      : 'OCI runtime exec failed: exec failed';
  const unable = `${prefix}: unable to start container process`;
  if (!(thrown instanceof PlanFailed)) {
    // Found before the kernel was asked for anything: it says all there is to say.
    if (thrown instanceof PortholeError) {
      return new StartFailed(thrown.message, { exitCode: 128, kind: thrown.kind, cause: thrown });
    }
    return new StartFailed(`${prefix}: ${messageOf(thrown)}`, { exitCode: 128, cause: thrown });
  }
  const { operation } = thrown.step;
  const why = words[thrown.errnoName] ?? thrown.errnoName;
  if (operation.op === 'exec') {
    const { file } = operation;
    if (thrown.errnoName === 'ENOENT' || thrown.errnoName === 'ENOTDIR') {
      const detail = file.includes('/') ? `stat ${file}: ${why}` : 'executable file not found in $PATH';
      return new StartFailed(`${unable}: exec: "${file}": ${detail}: unknown`, { exitCode: 127, cause: thrown });
    }
    return new StartFailed(`${unable}: exec: "${file}": ${why}: unknown`, { exitCode: 126, cause: thrown });
  }
  if (operation.op === 'openTreeBelow') {
    const { root, path } = operation;
    const escapes = `path concatenation escapes the base directory, base: ${root}, subpath: ${path}`;
    const text = thrown.errnoName === 'EXDEV' ? escapes : `cannot access path ${root}/${path}: ${why}`;
    return new StartFailed(text, { exitCode: 128, cause: thrown });
  }
  if (operation.op === 'chdir' && thrown.step.list === 'child' && operation.path !== '/') {
    if (kind === 'create' && thrown.errnoName === 'ENOTDIR') {
      return new StartFailed(`Cannot mkdir: ${operation.path} is not a directory`, { exitCode: 126, cause: thrown });
    }
    const text = `${unable}: chdir to cwd ("${operation.path}") set in config.json failed: ${why}: unknown`;
    return new StartFailed(text, { exitCode: thrown.errnoName === 'ENOENT' ? 127 : 126, cause: thrown });
  }
  // The docker command takes "permission denied" for the program's, and dockerd's runtime has no words here.
  const isScore = operation.op === 'write' && operation.path.endsWith('/oom_score_adj');
  const message = isScore ? thrown.message.replace(' (permission denied)', '') : thrown.message;
  return new StartFailed(`${unable}: ${message}: unknown`, { exitCode: 128, cause: thrown });
}
