import { setTimeout as delay } from 'node:timers/promises';
import { median } from '../measure.ts';
import type { Places } from '../places.ts';
import type { Row } from '../rows.ts';
import { look } from './in-page.ts';
import { createNamed, imageName, type Stock } from './stock.ts';
import type { Window } from './window.ts';

const rowOf = '.pane .monaco-list-row';
const goals = { paint: { most: 300 }, event: 100, activation: { most: 50 } } as const;

/**
 * From the answer with the lists to the rows on the screen, in a window that was opened for it: a second connection shows what
 * the first has left. And what VS Code says of the activation in each.
 */
export async function paintRows(window: Window): Promise<Row[]> {
  const { page, workbench, ask, reload } = window;
  const [containers, images, activations] = [[] as number[], [] as number[], [] as number[]];
  for (let round = 0; round < 5; round += 1) {
    if (round > 0) await reload();
    await workbench.openContainer('Porthole');
    await workbench.row('Hosts', 'Loopback').waitFor();
    const seen = [await look(page, rowOf, /stock-\d{4}/), await look(page, rowOf, /stock\/image-\d{4}/)];
    const read = await ask('connect');
    const [container = Number.NaN, image = Number.NaN] = await Promise.all(seen.map((painted) => painted()));
    containers.push(container - read.containers);
    images.push(image - read.images);
    activations.push(await activation(window));
  }
  const activated = 'activation, as Show Running Extensions tells it';
  return [
    {
      what: '1,000 containers: first paint after the data, p50 of 5',
      unit: 'ms',
      ours: median(containers),
      goal: goals.paint,
    },
    { what: '300 images: first paint after the data, p50', unit: 'ms', ours: median(images), goal: goals.paint },
    { what: `${activated}, p50`, unit: 'ms', ours: median(activations), goal: goals.activation },
  ];
}

/** Milliseconds: loading the code and calling `activate`. */
async function activation({ page, workbench, ask }: Window): Promise<number> {
  await workbench.command('Developer: Show Running Extensions');
  const row = page.locator('.runtime-extensions-editor .extension').filter({ hasText: /Porthole/ });
  const cell = row.locator('.activation-time').filter({ hasText: /\d ?ms/ });
  await cell.waitFor();
  const took = Number(/(\d+) ?ms/.exec((await cell.textContent()) ?? '')?.[1]);
  await ask('closeEditors');
  return took;
}

/** From a call of the API, behind the explorer's back, to the row that shows what it did. */
export async function eventRows({ ours: { api } }: Places, { page, ask }: Window, stock: Stock): Promise<Row[]> {
  const roundTrip = median(await ask('roundTrips'));
  const shown = stock.running.at(-2) ?? '';
  const took = { renamed: [] as number[], created: [] as number[], started: [] as number[] };
  const until = async (list: number[], pattern: RegExp, call: () => Promise<unknown>) => {
    const painted = await look(page, rowOf, pattern);
    const begun = performance.timeOrigin + performance.now();
    await call();
    list.push((await painted()) - begun);
    // Out of step with whatever happens every second.
    await delay(310);
  };
  for (let round = 0; round < 15; round += 1) {
    const name = `event-${round}`;
    await until(took.renamed, new RegExp(`renamed-${round}\\b`), () =>
      api.call('POST', `/containers/${shown}/rename?name=renamed-${round}`),
    );
    let id = '';
    await until(took.created, new RegExp(`${name}\\b`), async () => {
      id = await createNamed(api, name, imageName(0));
    });
    await until(took.started, new RegExp(`${name}, running`), () => api.start(id));
    await api.remove(id);
    await delay(310);
  }
  await api.call('POST', `/containers/${shown}/rename?name=stock-0998`);
  return [
    { what: 'round trip to the agent over SSH, p50', unit: 'ms', ours: roundTrip },
    ...Object.entries(took).flatMap(([what, times]): Row[] => [
      {
        what: `a container ${what} through the API is seen, p50`,
        ...{ unit: 'ms', ours: median(times), goal: { most: Math.round(goals.event + roundTrip) } },
      },
      { what: `  the longest of ${times.length}`, unit: 'ms', ours: Math.max(...times) },
    ]),
  ];
}
