import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { inTurns, timed } from './measure.ts';
import type { Place, Places } from './places.ts';
import type { Row } from './rows.ts';
import { makeRuncBundle } from './runc.ts';

const exec = promisify(execFile);
const rounds = 30;
/** Of Debian's busybox-static, which the image holds too. */
const busybox = '/bin/busybox';

/** From the request to start until its answer, which comes when the program has been executed. */
export async function startRows(
  places: Places,
  bundle: { readonly dir: string; readonly tar: Buffer },
): Promise<Row[]> {
  const { image } = places;
  const runc = await makeRuncBundle(bundle.dir, bundle.tar);
  const start =
    ({ api }: Place) =>
    async () => {
      const id = await api.create(image, ['true']);
      const took = await timed(() => api.start(id));
      await api.wait(id);
      await api.remove(id);
      return took;
    };
  let runs = 0;
  const run = () => {
    runs += 1;
    const id = `bench-${process.pid}-${runs}`;
    return timed(() => exec('runc', ['--root', runc.state, 'run', '--bundle', runc.bundle, id]));
  };
  const figures = await inTurns({ ours: start(places.ours), theirs: start(places.theirs), run }, { rounds });
  const common = { unit: 'ms', ours: figures('ours').undisturbed } as const;
  const what = 'API start to exec’d init (--net none)';
  return [
    {
      ...common,
      what,
      other: { figure: figures('run').undisturbed, whose: 'runc run' },
      goal: { share: 1 / 3 },
    },
    { ...common, what, other: { figure: figures('theirs').undisturbed, whose: 'dockerd' } },
  ];
}

/**
 * Create, start and the output's end of an exec, seen by a client that adds next to nothing of its own, without what the
 * command itself takes.
 */
export async function execRow(places: Places): Promise<Row> {
  const { image, ours, theirs } = places;
  const held = async ({ api }: Place) => {
    const id = await api.create(image, ['sleep', '100000']);
    await api.start(id);
    return { run: () => timed(() => api.exec(id, ['true'])), end: () => api.remove(id) };
  };
  const [mine, his] = [await held(ours), await held(theirs)];
  const tasks = { ours: mine.run, theirs: his.run, command: commandAlone };
  const figures = await inTurns(tasks, { rounds: 2 * rounds }).finally(async () => {
    await mine.end();
    await his.end();
  });
  const command = figures('command').undisturbed;
  return {
    what: `exec through the API: create, start, end of output, without the command’s ${command.toFixed(2)} ms`,
    unit: 'ms',
    ours: figures('ours').undisturbed - command,
    other: { figure: figures('theirs').undisturbed - command, whose: 'dockerd' },
    goal: { share: 1 / 8 },
  };
}

/** Milliseconds of the same program from its fork to its end, by a shell that does nothing else. */
async function commandAlone(): Promise<number> {
  const times = 100;
  const loop = `i=0; while [ $i -lt ${times} ]; do "$0" true; i=$((i+1)); done`;
  return (await timed(() => exec('busybox', ['sh', '-c', loop, busybox]))) / times;
}
