import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ask } from '../support/agent.ts';
import { command, type Engine, type Outcome, socketOf } from './engine.ts';
import { eventsOf, secondsAt } from './events.ts';
import { normalized } from './normalized.ts';
import { type Difference, image, type Scenario } from './scenario.ts';

export type Engines = readonly [ours: Engine, theirs: Engine];

interface Problem {
  readonly line: string;
  readonly problem: string;
  /** Two that should be equal and are not. */
  readonly answers?: readonly [ours: unknown, other: readonly [whose: string, answer: unknown]];
}

/** Runs a scenario on both engines and compares them step by step, and then the events it left. */
export async function compare(scenario: Scenario, [ours, theirs]: Engines): Promise<void> {
  try {
    // From the next millisecond on: the last events of the scenario before may be of this one.
    const since = secondsAt(Date.now() + 1);
    const [mine, reference] = await Promise.all([outcomes(scenario, ours), outcomes(scenario, theirs)]);
    const problems: Problem[] = scenario.steps.flatMap((step, at) =>
      step.isQuiet ? [] : judged(step.words.join(' '), step.differs, [mine[at], reference[at]]),
    );
    const rule = scenario.events ?? {};
    problems.push(...judged('events', rule.differs, await settledEvents([ours, theirs], since, rule)));
    if (problems.length > 0) throw new Error(problems.map(told).join('\n'));
  } finally {
    await Promise.all([cleanUp(ours), cleanUp(theirs)]);
  }
}

/** A failure is read by people: of both answers, the lines that the other has not. */
function told({ line, problem, answers }: Problem): string {
  if (answers === undefined) return `${line}: ${problem}`;
  const rows = (what: unknown): string[] => JSON.stringify(what, null, 1).split('\n');
  const [ours, [whose, answer]] = answers;
  const [mine, reference] = [rows(ours), rows(answer)];
  const block = (who: string, all: string[], others: string[]) => {
    const own = all.filter((row) => !others.includes(row));
    return [`  ${who}:`, ...(own.length > 0 ? own : all).map((row) => `   ${row}`)];
  };
  return [`${line}: ${problem}`, ...block('ours', mine, reference), ...block(whose, reference, mine)].join('\n');
}

function judged<Answer>(
  line: string,
  differs: Difference<Answer> | undefined,
  [ours, dockerd]: readonly [Answer | undefined, Answer | undefined],
): Problem[] {
  const isSame = isDeepStrictEqual(ours, dockerd);
  if (differs === undefined) return isSame ? [] : [{ line, problem: 'differs', answers: [ours, ['dockerd', dockerd]] }];
  if (isSame) return [{ line, problem: `no difference any more: ${differs.why}` }];
  if (isDeepStrictEqual(ours, differs.ours)) return [];
  return [{ line, problem: 'not what is listed', answers: [ours, ['listed', differs.ours]] }];
}

/** Who waits for an end may learn of it before the last event is out: unequal events are asked for again for a while. */
async function settledEvents(
  [ours, theirs]: Engines,
  since: string,
  rule: NonNullable<Scenario['events']>,
): Promise<[string[], string[]]> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const both = await Promise.all([eventsOf(ours, since, rule), eventsOf(theirs, since, rule)]);
    if (isDeepStrictEqual(...both) || rule.differs !== undefined || Date.now() > deadline) return both;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function outcomes(scenario: Scenario, engine: Engine): Promise<Outcome[]> {
  const cwd = await mkdtemp(join(tmpdir(), 'porthole-conformance-'));
  try {
    const found: Outcome[] = [];
    for (const { words, isTerminal = false, isQuiet = false, input = '', normalize = same } of scenario.steps) {
      const outcome = await command(words, { engine, cwd, input, terminal: isTerminal });
      if (isQuiet && outcome.code !== 0) {
        throw new Error(`${words.join(' ')} on ${engine.name}: ${outcome.stderr}${outcome.stdout}`);
      }
      const clean = (text: string) => normalize(normalized(text, engine, { [cwd]: 'CWD' }));
      found.push({ code: outcome.code, stdout: clean(outcome.stdout), stderr: clean(outcome.stderr) });
    }
    return found;
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

const same = (text: string): string => text;

/** Every container, volume and image goes but the image that the next scenario needs. */
async function cleanUp(engine: Engine): Promise<void> {
  const socket = socketOf(engine);
  for (const { Id } of await listed<{ Id: string }>(socket, '/containers/json?all=1')) {
    await ask(socket, 'POST', `/containers/${Id}/unpause`);
    await ask(socket, 'DELETE', `/containers/${Id}?force=1&v=1`);
  }
  const answer: unknown = JSON.parse((await ask(socket, 'GET', '/volumes')).body);
  const volumes = typeof answer === 'object' && answer !== null && 'Volumes' in answer ? answer.Volumes : undefined;
  for (const { Name } of Array.isArray(volumes) ? volumes : []) await ask(socket, 'DELETE', `/volumes/${Name}?force=1`);
  for (const { Id, RepoTags } of await listed<{ Id: string; RepoTags: string[] | null }>(socket, '/images/json')) {
    const tags = (RepoTags ?? []).filter((tag) => tag !== '<none>:<none>');
    if (tags.length === 1 && tags[0] === `${image}:latest`) continue;
    const names = tags.filter((tag) => tag !== `${image}:latest`);
    for (const name of names.length > 0 ? names : [Id]) await ask(socket, 'DELETE', `/images/${name}?force=1`);
  }
}

async function listed<T>(socket: string, path: string): Promise<readonly T[]> {
  const answer: unknown = JSON.parse((await ask(socket, 'GET', path)).body);
  return Array.isArray(answer) ? answer : [];
}
