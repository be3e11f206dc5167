import assert from 'node:assert/strict';
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
    for (const [at, step] of scenario.steps.entries()) {
      if (step.quiet) continue;
      const line = `docker ${step.run.join(' ')}`;
      if (step.differs === undefined) assert.deepEqual(mine[at], reference[at], `${line}: ours differs from dockerd's`);
      else assert.notDeepEqual(mine[at], reference[at], `${line}: no difference any more (${step.differs})`);
    }
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

const same = (text: string): string => text;

/** Replaces what no two engines, nor two runs, can have in common. */
export function normalized(text: string, engine: Engine): string {
  return text
    .replaceAll(engine.host, 'HOST')
    .replace(/\r\n/g, '\n')
    .replace(/\b[0-9a-f]{64}\b/g, 'ID')
    .replace(/\b[0-9a-f]{12}\b/g, 'SHORT')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, 'TIME')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \w+/g, 'TIME')
    .replace(/\b(Up|Created|Exited \(\d+\)) (Less than a second|About a \w+|\d+ \w+)( ago)?/g, '$1 DURATION')
    .replace(/\b(Less than a second|About a minute|\d+ seconds?|\d+ minutes?) ago\b/g, 'AGO');
}

/** Every container goes; images stay, as the next scenario needs the first one. */
async function cleanUp(engine: Engine): Promise<void> {
  const { stdout } = await docker(engine, ['ps', '-aq']);
  const ids = stdout.split('\n').filter((id) => id !== '');
  if (ids.length > 0) await docker(engine, ['rm', '-f', '-v', ...ids]);
}
