/**
 * A Mocha root hook (`require` in .mocharc.json): a run that is interrupted, by Ctrl-C or by whoever started it, lets the
 * test that runs come to its end, skips the others and runs the hooks that clean up. A second signal ends it at once.
 */
export const mochaHooks = {
  beforeAll(this: Interruption): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        const now = Date.now();
        this.interruptedAt ??= now;
        // Mocha's wrapper passes one Ctrl-C on as two signals, beside the one from the terminal.
        if (now - this.interruptedAt > 2_000) process.exit(130);
      });
    }
  },
  beforeEach(this: Interruption): void {
    if (this.interruptedAt !== undefined) throw new Error('interrupted: the other tests are skipped');
  },
};

interface Interruption {
  /** Milliseconds since the epoch. */
  interruptedAt?: number;
}
