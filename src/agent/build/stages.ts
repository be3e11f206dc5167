import type { Dockerfile } from '../dockerfile/dockerfile.ts';
import { expandWord } from '../dockerfile/expand.ts';
import type { Stage } from '../dockerfile/instruction.ts';
import type { BuildArgs } from './build-args.ts';
import { failed, noSuchTarget } from './errors.ts';
import type { BuildConfig } from './run-config.ts';

/** What a stage has come to. */
export interface StageResult {
  /** '' for FROM scratch with nothing behind it. */
  readonly imageId: string;
  readonly config: BuildConfig;
}

/**
 * The stages up to a target. Docker's classic builder builds all before it, needed or not; so does this, in order to say the
 * same words and to fill the same cache.
 * @throws invalid for a target that is not there
 */
export function stagesUpTo({ stages }: Dockerfile, target: string): readonly Stage[] {
  if (target === '') return stages;
  const position = stages.findIndex(({ from }) => from.name === target.toLowerCase());
  if (position < 0) throw noSuchTarget(target);
  return stages.slice(0, position + 1);
}

/** The stage before `before` that a name means. FROM knows names only, COPY --from numbers too. @throws invalid in dockerd's words */
export function stageAt(
  stages: readonly Stage[],
  name: string,
  { before, numbers }: { readonly before: number; readonly numbers: boolean },
): number | undefined {
  const found = stages.slice(0, before).findLastIndex(({ from }) => from.name === name.toLowerCase());
  if (found >= 0) return found;
  if (!numbers || !/^[+-]?\d+$/.test(name)) return undefined;
  const number = Number(name);
  if (number === before) throw failed('refers to current build stage');
  if (number < 0 || number > before) throw failed('index out of bounds');
  return number;
}

/**
 * Which stages must be done before each. Beside what a stage names, it waits for an earlier one that begins with the same base
 * and the same instruction: the first one's work is found in the cache then, as it is when all are built one by one.
 * @param triggersOf what an image outside of the build triggers.
 */
export function needsOf(
  stages: readonly Stage[],
  {
    args,
    escapeToken,
    triggersOf,
  }: { readonly args: BuildArgs; readonly escapeToken: string; triggersOf(name: string): readonly string[] },
): readonly ReadonlySet<number>[] {
  const bases = stages.map(({ from }) => nameOrNothing(() => expandWord(from.base, args.meta, escapeToken)));
  return stages.map((stage, number) => {
    const earlier = Array.from({ length: number }, (_, each) => each);
    const base = bases[number] ?? '';
    const baseStage = nameOrNothing(() => stageAt(stages, base, { before: number, numbers: false }));
    const triggers = baseStage === undefined && base !== '' ? triggersOf(base) : [];
    const mayTakeAny = [...triggers, ...earlier.flatMap((each) => triggersIn(stages[each]))].some((text) =>
      /--from=/i.test(text),
    );
    if (mayTakeAny) return new Set(earlier);
    const taken = stage.instructions.flatMap((instruction) => {
      if (instruction.kind !== 'copy' && instruction.kind !== 'add') return [];
      const { from } = instruction;
      if (from === undefined) return [];
      return nameOrNothing(() => stageAt(stages, from, { before: number, numbers: true })) ?? [];
    });
    const alike = earlier.filter((each) => bases[each] === base && isAlike(stages[each], stage));
    return new Set([...taken, ...alike, ...(baseStage === undefined ? [] : [baseStage])]);
  });
}

function isAlike(one: Stage | undefined, other: Stage): boolean {
  const [mine] = one?.instructions ?? [];
  const [theirs] = other.instructions;
  return mine !== undefined && mine.original === theirs?.original;
}

const triggersIn = (stage: Stage | undefined): string[] =>
  (stage?.instructions ?? []).flatMap((each) => (each.kind === 'onbuild' ? [each.text] : []));

/** @throws invalid when a stage before this one has its name */
export function checkName(stages: readonly Stage[], number: number): void {
  const name = stages[number]?.from.name;
  const isTaken = stages.slice(0, number).some(({ from }) => from.name === name);
  if (name !== undefined && isTaken) throw failed(`${name} stage name already used`);
}

/** What is wrong with a name is said when its stage's turn comes. */
function nameOrNothing<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}
