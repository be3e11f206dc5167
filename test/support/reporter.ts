import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

/** A test, or a hook, that failed. */
export interface Failure {
  /** As it was given on the command line's file system; undefined for a hook of the whole run, the leak check for one. */
  readonly file?: string;
  /** The full title of a test; of a hook, which fails for all tests of its file, undefined. */
  readonly title?: string;
  /** For people. */
  readonly name: string;
}

/** Mocha's `spec`, which also writes what failed, as JSON, to the file that PORTHOLE_FAILURES names. */
export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const target = process.env['PORTHOLE_FAILURES'];
    if (target === undefined) return;
    const failures: Failure[] = [];
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (failed: Mocha.Test | Mocha.Hook) => {
      const file = failed.file ?? failed.parent?.file;
      failures.push({
        name: failed.fullTitle(),
        ...(file !== undefined && { file }),
        ...(failed.type === 'test' && { title: failed.fullTitle() }),
      });
      // At once: a run that crashes later has still said what failed.
      writeFileSync(target, JSON.stringify(failures));
    });
  }
}
