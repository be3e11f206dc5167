import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { inTurns, timed } from './measure.ts';
import type { Place, Places } from './places.ts';
import type { Row } from './rows.ts';
import { makeRuncBundle } from './runc.ts';

const exec = promisify(execFile);
const rounds = 30;

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

/** Create, start and the output's end of an exec, seen by a client that adds next to nothing of its own. */
export async function execRow(places: Places): Promise<Row> {
  const { image, ours, theirs } = places;
  const held = async ({ api }: Place) => {
    const id = await api.create(image, ['sleep', '100000']);
    await api.start(id);
    return { run: () => timed(() => api.exec(id, ['true'])), end: () => api.remove(id) };
  };
  const [mine, his] = [await held(ours), await held(theirs)];
  const figures = await inTurns({ ours: mine.run, theirs: his.run }, { rounds: 2 * rounds }).finally(async () => {
    await mine.end();
    await his.end();
  });
  return {
    what: 'exec through the API: create, start, end of output',
    unit: 'ms',
    ours: figures('ours').undisturbed,
    other: { figure: figures('theirs').undisturbed, whose: 'dockerd' },
    goal: { share: 1 / 8 },
  };
}
