import { ProgressLocation, window } from 'vscode';
import { PortholeError } from '../../base/errors.ts';

/** Nothing is shown for what is done sooner: a flash of a notification is noise. Milliseconds. */
const patience = 500;

export interface Reporter {
  readonly signal: AbortSignal;
  /** The step that is going on, in words. */
  say(step: string): void;
}

/** Runs a task, with a notification that can cancel it when it takes longer than half a second. */
export async function withProgress<T>(title: string, task: (reporter: Reporter) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let say: (step: string) => void = () => undefined;
  let step = '';
  const running = task({
    signal: stop.signal,
    say: (words) => {
      step = words;
      say(words);
    },
  });
  if (await settlesWithin(running, patience)) return running;
  return await window.withProgress(
    { location: ProgressLocation.Notification, title, cancellable: true },
    async (progress, token) => {
      say = (words) => progress.report({ message: words });
      if (step) say(step);
      const canceled = new Promise<never>((_resolve, reject) => {
        token.onCancellationRequested(() => {
          stop.abort();
          reject(new PortholeError('canceled', title));
        });
      });
      // A task that cannot be stopped in its tracks goes on unseen; what it brings about shows in the trees.
      return await Promise.race([running, canceled]);
    },
  );
}

async function settlesWithin(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}
