import { listed, type Phrase, phrase } from '../../base/phrases.ts';
import { formatMemory } from '../../base/units.ts';
import type { Ending, HistoryEntry } from '../../protocol/history.ts';
import type { MomentView } from '../../protocol/panels.ts';

/** An entry of a container's history as people read it. */
export interface Moment extends Pick<MomentView, 'kind' | 'alarming'> {
  readonly what: Phrase;
  readonly details: readonly Phrase[];
}

/** Signals by the numbers that they have on x86 and ARM, signal(7). */
const signalNames: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
};
export const signalName = (number: number): string => signalNames[number] ?? `SIG ${number}`;

/** Pure. */
export function momentOf(entry: HistoryEntry): Moment {
  switch (entry.event) {
    case 'created':
      return moment('made', phrase('Created from {0}', entry.image));
    case 'started':
      return moment('began', phrase('Started'), [phrase('Process {0} on the host', entry.pid)]);
    case 'start-failed':
      return alarm('failed', phrase('Could not be started'), [
        listed([entry.error], ''),
        ...(entry.step === undefined ? [] : [phrase('The step that failed: {0}', entry.step)]),
      ]);
    case 'paused':
      return moment('other', phrase('Paused'));
    case 'unpaused':
      return moment('other', phrase('Goes on after a pause'));
    case 'stopped':
      return moment('other', phrase('A user stopped it'));
    case 'restarted':
      return moment('other', phrase('A user restarted it'));
    case 'updated':
      return moment('other', phrase('Its limits were changed'));
    case 'removed':
      return moment('made', phrase('Removed'));
    case 'out-of-memory':
      return alarm('failed', phrase('The kernel killed a process of it: out of memory'));
    case 'signaled':
      return moment('other', phrase('A user sent it {0}', signalName(entry.signal)));
    case 'health':
      return entry.status === 'unhealthy'
        ? alarm('health', phrase('Its health check fails'))
        : moment('health', entry.status === 'healthy' ? phrase('Healthy') : phrase('Its health is being checked'));
    case 'renamed':
      return moment('other', phrase('Renamed from {0}', entry.oldName));
    case 'ended':
      return ended(entry.ending, entry.restartIn);
  }
}

function ended(ending: Ending, restartIn: number | undefined): Moment {
  const { exitCode, cause, outOfMemory } = ending;
  const details = [
    reason(ending),
    ...(outOfMemory ? memory(outOfMemory) : []),
    ...(restartIn === undefined ? [] : [phrase('Its restart policy starts it again in {0} s', restartIn / 1000)]),
  ];
  const wanted = cause.kind === 'stopped' || cause.kind === 'killed' || cause.kind === 'grace-over';
  const fine = (exitCode === 0 || wanted) && outOfMemory === undefined;
  return { kind: 'ended', alarming: !fine, what: phrase('Ended with exit code {0}', exitCode), details };
}

function reason({ cause, exitCode }: Ending): Phrase {
  switch (cause.kind) {
    case 'exited':
      if (exitCode === 126) return phrase('Its program was found but could not be executed.');
      if (exitCode === 127) return phrase('Its program was not found.');
      return phrase('Its initial process returned by itself.');
    case 'stopped':
      return phrase('A user wanted it to end; it did so after {0}.', signalName(cause.signal));
    case 'grace-over':
      return phrase(
        'A user wanted it to end; {0} did not bring it to that within {1} s, SIGKILL did.',
        signalName(cause.signal),
        cause.seconds,
      );
    case 'killed':
      return phrase('A user sent it {0}.', signalName(cause.signal));
    case 'out-of-memory':
      return phrase('It needed more memory than its limit: the kernel killed it.');
    case 'signal':
      return phrase('{0} ended it; neither a user nor the engine sent that.', signalName(cause.signal));
    case 'supervisor-lost':
      return phrase('Nobody saw its end: its supervisor was killed, or the machine went down.');
  }
}

function memory({ kills, limit, peak }: NonNullable<Ending['outOfMemory']>): Phrase[] {
  return [
    phrase('Processes killed for lack of memory: {0}', kills),
    ...(limit === undefined ? [] : [phrase('Its limit: {0}', formatMemory(limit))]),
    ...(peak === undefined ? [] : [phrase('The most it ever used: {0}', formatMemory(peak))]),
  ];
}

const moment = (kind: Moment['kind'], what: Phrase, details: readonly Phrase[] = []): Moment => ({
  kind,
  alarming: false,
  what,
  details,
});
const alarm = (kind: Moment['kind'], what: Phrase, details: readonly Phrase[] = []): Moment => ({
  ...moment(kind, what, details),
  alarming: true,
});
