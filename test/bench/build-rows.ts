import { request } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { socketOf } from '../conformance/engine.ts';
import { inTurns, timed } from './measure.ts';
import type { Place, Places } from './places.ts';
import type { Row } from './rows.ts';

const rounds = 15;

/** `POST /build` of 20 steps that are all in the cache, with a context of 1 MB in 200 files. */
export async function buildRows(places: Places): Promise<Row[]> {
  const context = await contextOf(places.image);
  const rebuild = (place: Place) => () => timed(() => build(place, context));
  const figures = await inTurns({ ours: rebuild(places.ours), theirs: rebuild(places.theirs) }, { rounds });
  return [
    {
      what: 'build of 20 steps that are all in the cache',
      unit: 'ms',
      ours: figures('ours').undisturbed,
      other: { figure: figures('theirs').undisturbed, whose: 'dockerd' },
      goal: { share: 1 / 4 },
    },
  ];
}

async function contextOf(image: string): Promise<Buffer> {
  const tar = pack();
  const steps = Array.from({ length: 8 }, (_, at) => [`RUN echo ${at} >/made-${at}`, `ENV V${at}=${at}`]).flat();
  const lines = [`FROM ${image}`, ...steps, 'COPY src /src', 'COPY src/1 /one/', 'WORKDIR /work', ''];
  tar.entry({ name: 'Dockerfile' }, lines.join('\n'));
  for (let at = 0; at < 200; at++) tar.entry({ name: `src/${at}` }, Buffer.alloc(5000, `${at}`));
  tar.finalize();
  return await buffer(tar);
}

async function build({ engine }: Place, context: Buffer): Promise<void> {
  const said = await new Promise<string>((resolve, reject) => {
    const sent = request(
      {
        ...{ socketPath: socketOf(engine), method: 'POST', path: '/v1.41/build?t=bench/rebuilt&rm=1', agent: false },
        headers: { 'Content-Type': 'application/x-tar', 'Content-Length': context.length },
      },
      (response) => void text(response).then(resolve, reject),
    );
    sent.once('error', reject);
    sent.end(context);
  });
  if (!said.includes('Successfully tagged')) throw new Error(`a build on ${engine.name} failed: ${said.slice(-500)}`);
}
