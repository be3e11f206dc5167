import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { type CommandOptions, docker, type Engine, type Outcome } from './engine.ts';

/** A command line of a scenario. Its outcome is compared unless `quiet`. */
export interface Step extends CommandOptions {
  readonly run: readonly string[];
  /** Prepares or waits; only its success counts. */
  readonly quiet?: boolean;
  /** Turns what differs from run to run (figures, pids) into words, after ids, times and addresses. */
  readonly normalize?: (text: string) => string;
  /** Why the two engines answer differently here. A listed difference that is none any more fails too. */
  readonly differs?: string;
}

export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** Runs a scenario on both engines and compares them step by step. */
export async function compare(scenario: Scenario, [ours, theirs]: readonly [Engine, Engine]): Promise<void> {
  try {
    const [mine, reference] = await Promise.all([outcomes(scenario, ours), outcomes(scenario, theirs)]);
    const problems: { line: string; problem: string; ours?: Outcome; dockerd?: Outcome }[] = [];
    for (const [at, step] of scenario.steps.entries()) {
      const line = `docker ${step.run.join(' ')}`;
      const isSame = isDeepStrictEqual(mine[at], reference[at]);
      if (step.quiet || isSame !== (step.differs !== undefined)) continue;
      if (isSame) problems.push({ line, problem: `no difference any more: ${step.differs}` });
      else problems.push({ line, problem: 'differs', ...pair(mine[at], reference[at]) });
    }
    assert.deepEqual(problems, []);
  } finally {
    await Promise.all([cleanUp(ours), cleanUp(theirs)]);
  }
}

async function outcomes(scenario: Scenario, engine: Engine): Promise<Outcome[]> {
  const found: Outcome[] = [];
  for (const step of scenario.steps) {
    const outcome = await docker(engine, step.run, step);
    if (step.quiet && outcome.code !== 0) {
      throw new Error(`docker ${step.run.join(' ')} on ${engine.name}: ${outcome.stderr}${outcome.stdout}`);
    }
    const clean = (text: string) => (step.normalize ?? same)(normalized(text, engine));
    found.push({ code: outcome.code, stdout: clean(outcome.stdout), stderr: clean(outcome.stderr) });
  }
  return found;
}

const pair = (ours: Outcome | undefined, dockerd: Outcome | undefined) => ({
  ...(ours && { ours }),
  ...(dockerd && { dockerd }),
});

const same = (text: string): string => text;

/** Words of ours that dockerd has otherwise, wherever they come. */
const ownWords: readonly { readonly ours: RegExp; readonly theirs: string; readonly why: string }[] = [
  {
    ours: /^WARNING: The bridge network is not supported yet.*\n/gm,
    theirs: '',
    why: 'until networks are there, whoever asks for the default one is told what it is',
  },
  { ours: /\bporthole create failed\b/g, theirs: 'runc create failed', why: 'the runtime says its own name' },
];

/** Replaces what no two engines, nor two runs, can have in common. */
export function normalized(text: string, engine: Engine): string {
  const words = engine.name === 'porthole' ? ownWords : [];
  return (
    words
      .reduce((so, { ours, theirs }) => so.replace(ours, theirs), text.replace(/\r\n/g, '\n'))
      .replaceAll(engine.host, 'HOST')
      // script(1) passes the end of its input on, and the terminal echoes it whenever it comes.
      .replaceAll('^@', '')
      .replace(/\b[0-9a-f]{64}\b/g, 'ID')
      .replace(/\b[0-9a-f]{12}\b/g, 'SHORT')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, 'TIME')
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \w+/g, 'TIME')
      .replace(/\b(Up|Created|Exited \(\d+\)) (Less than a second|About a \w+|\d+ \w+)( ago)?/g, '$1 DURATION')
      .replace(/\b(Less than a second|About a minute|\d+ seconds?|\d+ minutes?) ago\b/g, 'AGO')
  );
}

/** Every container goes; images stay, as the next scenario needs the first one. */
async function cleanUp(engine: Engine): Promise<void> {
  const { stdout } = await docker(engine, ['ps', '-aq']);
  const ids = stdout.split('\n').filter((id) => id !== '');
  if (ids.length > 0) await docker(engine, ['rm', '-f', '-v', ...ids]);
}
