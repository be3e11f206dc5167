import { runInNewContext } from 'node:vm';

/** Characters that mean one step of the search each: such a pattern cannot take long. */
const simple = /^[\w./:@^$-]*$/;
/** Milliseconds. Go's expressions take linear time, ours can take for ever, and everybody would wait with them. */
const patience = 100;

/**
 * Whether a client's regular expression matches anywhere in a text.
 * - no pattern: it is no regular expression.
 * - too slow: nobody knows within the time there is.
 */
export function patternMatch(pattern: string, text: string): boolean | 'no pattern' | 'too slow' {
  try {
    if (simple.test(pattern)) return new RegExp(pattern).test(text);
    return runInNewContext('new RegExp(pattern).test(text)', { pattern, text }, { timeout: patience }) === true;
  } catch (failure) {
    // An error of another context is no instance of our Error.
    const isLate =
      typeof failure === 'object' &&
      failure !== null &&
      'code' in failure &&
      failure.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    return isLate ? 'too slow' : 'no pattern';
  }
}
