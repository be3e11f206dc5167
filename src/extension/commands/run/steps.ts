import { l10n, type QuickPickItem } from 'vscode';
import { formatMemory } from '../../../base/units.ts';
import type { EngineKind } from '../../hosts/contract.ts';
import { parseCount, parseCpus, parseMemory } from '../../typed-limits.ts';
import { quoted } from '../run-line.ts';
import { splitWords } from '../words.ts';
import { type Answer, askMany, askOne, askText } from './boxes.ts';
import { badVariable, parsePort, type RunChoices } from './choices.ts';
import { askMounts } from './mounts.ts';
import type { Place, Step, Turn } from './walk.ts';

/** What is known before the first question. */
export interface RunSubject {
  /** As it is asked for: a name, or an id. */
  readonly image: string;
  readonly engine: EngineKind;
  /** What the image runs when nobody says otherwise. */
  readonly command: readonly string[];
  /** Variables, user and directory that it sets. */
  readonly env: readonly string[];
  readonly user: string;
  readonly directory: string;
  /** Ports that its program listens on: '80/tcp'. */
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  /** Running containers whose network can be shared. */
  readonly containers: readonly string[];
  /** Shows what was chosen before it runs. */
  review(choices: RunChoices, place: Place): Promise<Turn<RunChoices>>;
}

/** A name as engines take it. */
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** Every question, in the order in which `docker run` is thought of. */
export function runSteps(subject: RunSubject): readonly Step<RunChoices>[] {
  const { image, engine } = subject;
  const box = (words: string, place: Place) => ({ title: l10n.t('Run {0}: {1}', image, words), place });
  const theImages = (words: string) => (words === '' ? l10n.t('what the image says') : words);

  return [
    {
      ask: async (now, place) =>
        turn(
          await askText(box(l10n.t('name'), place), {
            value: now.name,
            prompt: l10n.t('A name; empty for one that the engine makes up.'),
            check: (text) =>
              text === '' || namePattern.test(text)
                ? undefined
                : l10n.t('Letters, digits, _ . and -, beginning with a letter or digit'),
          }),
          (name) => ({ ...now, name }),
        ),
    },
    {
      ask: async (now, place) =>
        turn(
          await askText(box(l10n.t('command'), place), {
            value: line(now.command),
            prompt: l10n.t(
              'The program with its arguments; empty for what the image names. Words in quotes stay together.',
            ),
            placeholder: line(subject.command),
          }),
          (text) => ({ ...now, command: splitWords(text) }),
        ),
    },
    {
      ask: async (now, place) => {
        const alone = { label: l10n.t('By itself'), description: l10n.t('in the background'), interactive: false };
        const here = { label: l10n.t('In a terminal'), description: l10n.t('interactive'), interactive: true };
        const answer = await askOne(box(l10n.t('how it runs'), place), [alone, here], {
          placeholder: l10n.t('Where does its program run?'),
          active: now.interactive ? here : alone,
        });
        return turn(answer, ({ interactive }) => ({ ...now, interactive }));
      },
    },
    {
      ask: async (now, place) =>
        turn(
          await askText(box(l10n.t('environment'), place), {
            value: line(now.env),
            prompt: l10n.t('NAME=value, separated by blanks; values with blanks in quotes.'),
            placeholder: line(subject.env.slice(0, 3)),
            check: (text) => {
              const bad = badVariable(splitWords(text));
              return bad === undefined ? undefined : l10n.t('“{0}” is not NAME=value', bad);
            },
          }),
          (text) => ({ ...now, env: splitWords(text) }),
        ),
    },
    {
      ask: async (now, place) =>
        turn(await askMounts(box(l10n.t('mounts'), place), now.mounts, subject.volumes), (mounts) => ({
          ...now,
          mounts,
        })),
    },
    { ask: (now, place) => askLimits(now, (words) => box(words, place)) },
    {
      ask: async (now, place) =>
        turn(
          await askText(box(l10n.t('user'), place), {
            value: now.user,
            prompt: l10n.t('A name or a number, with :group if wanted; empty for the image’s own.'),
            placeholder: theImages(subject.user),
          }),
          (user) => ({ ...now, user }),
        ),
    },
    {
      ask: async (now, place) =>
        turn(
          await askText(box(l10n.t('directory'), place), {
            value: now.directory,
            prompt: l10n.t('Where its program begins; empty for the image’s own.'),
            placeholder: theImages(subject.directory),
            check: (text) => (text === '' || text.startsWith('/') ? undefined : l10n.t('A path that begins with /')),
          }),
          (directory) => ({ ...now, directory }),
        ),
    },
    { ask: (now, place) => askNetwork(now, { subject, box: box(l10n.t('network'), place) }) },
    {
      // Only these have networks that a port could be published from.
      isAsked: ({ network }) => engine !== 'porthole' && network === '',
      ask: async (now, place) =>
        turn(
          await askText(box(l10n.t('ports'), place), {
            value: now.ports.join(' '),
            prompt: l10n.t('Port of the host, colon, port of the container; several separated by blanks.'),
            placeholder: subject.ports.map((port) => port.replace(/^(\d+)\/tcp$/, '$1:$1')).join(' ') || '8080:80',
            check: (text) => {
              const bad = splitWords(text).find((word) => parsePort(word) === undefined);
              return bad === undefined ? undefined : l10n.t('“{0}” is not a port such as 8080:80', bad);
            },
          }),
          (text) => ({ ...now, ports: splitWords(text) }),
        ),
    },
    { ask: (now, place) => askOptions(now, box(l10n.t('options'), place)) },
    {
      isAsked: ({ autoRemove }) => !autoRemove,
      ask: async (now, place) => {
        const rows = restartRows();
        const answer = await askOne(box(l10n.t('restart'), place), rows, {
          placeholder: l10n.t('When its program has ended'),
          active: rows.find(({ restart }) => restart === now.restart) ?? rows[0],
        });
        return turn(answer, ({ restart }) => ({ ...now, restart }));
      },
    },
    { ask: (now, place) => subject.review(now, place) },
  ];
}

interface RestartRow extends QuickPickItem {
  readonly restart: RunChoices['restart'];
}

/** Words as they would be typed again. */
const line = (words: readonly string[]): string => words.map(quoted).join(' ');

function turn<T>(answer: Answer<T>, next: (value: T) => RunChoices): Turn<RunChoices> {
  if (answer.to === 'next') return { to: 'next', state: next(answer.value) };
  if (answer.to === 'away' || answer.value === undefined) return { to: answer.to };
  return { to: answer.to, state: next(answer.value) };
}

const restartRows = (): readonly RestartRow[] => [
  { label: l10n.t('Stay ended'), description: 'no', restart: 'no' },
  { label: l10n.t('Start again after a failure'), description: 'on-failure', restart: 'on-failure' },
  { label: l10n.t('Always start again'), description: 'always', restart: 'always' },
  {
    label: l10n.t('Start again unless somebody stopped it'),
    description: 'unless-stopped',
    restart: 'unless-stopped',
  },
];

async function askOptions(now: RunChoices, box: { title: string; place: Place }): Promise<Turn<RunChoices>> {
  const readOnlyRoot = {
    label: l10n.t('Read-only root'),
    description: l10n.t('only what is mounted can be written'),
    picked: now.readOnlyRoot,
  };
  const autoRemove = {
    label: l10n.t('Remove it when it ends'),
    description: '--rm',
    picked: now.autoRemove,
  };
  const init = {
    label: l10n.t('An init process'),
    description: l10n.t('passes signals on and reaps what others leave'),
    picked: now.init,
  };
  const answer = await askMany(box, [autoRemove, readOnlyRoot, init], { placeholder: l10n.t('Check what is wanted') });
  return turn(answer, (chosen) => ({
    ...now,
    readOnlyRoot: chosen.includes(readOnlyRoot),
    autoRemove: chosen.includes(autoRemove),
    init: chosen.includes(init),
  }));
}

interface NetworkRow extends QuickPickItem {
  readonly mode: string;
}

async function askNetwork(
  now: RunChoices,
  { subject, box }: { subject: RunSubject; box: { title: string; place: Place } },
): Promise<Turn<RunChoices>> {
  const none = { label: l10n.t('None'), description: l10n.t('a loopback of its own'), mode: 'none' };
  const bridge = { label: l10n.t('The engine’s usual one'), description: 'bridge', mode: '' };
  const rows: readonly NetworkRow[] = [
    ...(subject.engine === 'porthole' ? [{ ...none, mode: '' }] : [bridge, none]),
    { label: l10n.t('The host’s own'), description: l10n.t('every port of the host'), mode: 'host' },
    ...subject.containers.map((name) => ({
      label: l10n.t('That of {0}', name),
      description: l10n.t('shared with the container'),
      mode: `container:${name}`,
    })),
  ];
  const answer = await askOne(box, rows, {
    placeholder: l10n.t('Which network does it see?'),
    active: rows.find(({ mode }) => mode === now.network) ?? bridge,
  });
  return turn(answer, ({ mode }) => ({ ...now, network: mode, ports: mode === '' ? now.ports : [] }));
}

/** Limits are a list of their own: each shows what it is, and one that is chosen is asked for. */
async function askLimits(
  begin: RunChoices,
  box: (words: string) => { title: string; place: Place },
): Promise<Turn<RunChoices>> {
  let now = begin;
  const none = l10n.t('no limit');
  for (;;) {
    const rows: readonly LimitRow[] = [
      { label: l10n.t('Continue') },
      ...limitsOf(now).map((limit) => ({ label: limit.label, description: limit.value || none, limit })),
    ];
    const answer = await askOne(box(l10n.t('limits')), rows, {
      placeholder: l10n.t('Choose a limit to set it'),
      active: rows[0],
    });
    if (answer.to !== 'next') return answer.to === 'away' ? answer : { to: answer.to, state: now };
    const { limit } = answer.value;
    if (!limit) return { to: 'next', state: now };
    const typed = await askText(box(limit.label), {
      value: limit.value,
      prompt: limit.prompt,
      check: (text) => (limit.parse(text) === undefined ? limit.prompt : undefined),
    });
    if (typed.to === 'away') return typed;
    if (typed.to !== 'back' && typed.value !== undefined) now = { ...now, ...limit.set(limit.parse(typed.value) ?? 0) };
  }
}

interface LimitRow extends QuickPickItem {
  readonly limit?: Limit;
}

interface Limit {
  readonly label: string;
  readonly prompt: string;
  /** As it is now, in words that `parse` reads; '' for none. */
  readonly value: string;
  parse(text: string): number | undefined;
  set(amount: number): Partial<RunChoices>;
}

function limitsOf({ memory, cpus, pids }: RunChoices): readonly Limit[] {
  return [
    {
      label: l10n.t('Memory'),
      prompt: l10n.t('For example 256m or 2g; empty for no limit.'),
      value: memory > 0 ? formatMemory(memory) : '',
      parse: parseMemory,
      set: (amount) => ({ memory: amount }),
    },
    {
      label: l10n.t('CPUs'),
      prompt: l10n.t('For example 0.5 or 2; empty for no limit.'),
      value: cpus > 0 ? String(cpus / 1e9) : '',
      parse: parseCpus,
      set: (amount) => ({ cpus: amount }),
    },
    {
      label: l10n.t('Processes'),
      prompt: l10n.t('How many at most; empty for no limit.'),
      value: pids > 0 ? String(pids) : '',
      parse: parseCount,
      set: (amount) => ({ pids: amount }),
    },
  ];
}
