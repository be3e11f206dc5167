import assert from 'node:assert/strict';
import { busyboxTar, docker, type Engine, socketOf } from '../conformance/engine.ts';
import { ask, startAgent } from '../support/agent.ts';
import { startDockerd } from '../support/dockerd.ts';

/** An engine with the image that the builds of the tests begin with. */
export interface BuildPlace {
  readonly engine: Engine;
  /** Digests of the layers of that image. */
  readonly baseLayers: ReadonlySet<string>;
  /** Seconds of the epoch before it was started: what it makes itself is newer. */
  readonly since: number;
}

/** Starts every engine that builds, ours first. What ends them is added to `stops`, also when a later one fails. */
export async function startBuildPlaces(stops: (() => Promise<unknown>)[]): Promise<BuildPlace[]> {
  // The clock that files get their times from may lag behind a little.
  const since = Date.now() / 1000 - 2;
  const agent = await startAgent();
  stops.push(() => agent.stop());
  const dockerd = await startDockerd();
  stops.push(() => dockerd.stop());
  const engines: Engine[] = [
    { name: 'porthole', host: `unix://${agent.socket}` },
    { name: 'dockerd', host: dockerd.host },
  ];
  return await Promise.all(engines.map(async (engine) => ({ engine, since, baseLayers: await importBase(engine) })));
}

async function importBase(engine: Engine): Promise<ReadonlySet<string>> {
  const { code, stderr } = await docker(engine, ['import', '-', 'busybox'], { input: await busyboxTar() });
  assert.equal(code, 0, stderr);
  const { body } = await ask(socketOf(engine), 'GET', '/v1.41/images/busybox/json');
  const { RootFS }: { RootFS: { Layers: string[] } } = JSON.parse(body);
  return new Set(RootFS.Layers);
}
