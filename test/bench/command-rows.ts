import { inTurns, timed } from './measure.ts';
import { must, type Place, type Places } from './places.ts';
import type { Row } from './rows.ts';

const rounds = 21;

/** What a user of the `docker` command waits for. */
export async function commandRows(places: Places): Promise<Row[]> {
  const { image } = places;
  const name = 'bench-exec';
  const both = [places.ours, places.theirs];
  for (const place of both) await must(place, ['run', '-d', '--name', name, '--net', 'none', image, 'sleep', '100000']);
  const rows = [
    await row(places, ['run', '--rm', '--net', 'none', image, 'true'], { share: 1 / 5 }),
    await row(places, ['run', '--rm', '--net', 'host', image, 'true']),
    await row(places, ['exec', name, 'true']),
    await row(places, ['version']),
  ];
  for (const place of both) await must(place, ['rm', '-f', name]);
  return rows;
}

async function row(places: Places, args: readonly string[], goal?: Row['goal']): Promise<Row> {
  const run = (place: Place) => () => timed(() => must(place, args));
  const figures = await inTurns({ ours: run(places.ours), theirs: run(places.theirs) }, { rounds });
  return {
    what: `docker ${args.join(' ').replace(places.image, 'IMG')}`,
    unit: 'ms',
    ours: figures('ours').undisturbed,
    other: { figure: figures('theirs').undisturbed, whose: 'dockerd' },
    ...(goal && { goal }),
  };
}
