import assert from 'node:assert/strict';
import { startAgent } from '../support/agent.ts';
import { startDockerd } from '../support/dockerd.ts';
import { requires } from '../support/tools.ts';
import { compare, type Engines } from './compare.ts';
import { busyboxTar, docker, type Engine } from './engine.ts';
import { Lanes } from './lanes.ts';
import { normalized } from './normalized.ts';
import { image, type Scenario } from './scenario.ts';
import { subjects } from './scenarios/all.ts';

/** The `docker` command against our agent and against a real dockerd, side by side. */
describe('docker, as against dockerd', function () {
  this.timeout(120_000);
  let ours: Engine;
  let theirs: Engine;
  let lanes: Lanes<Scenario, Engines>;
  let tar: Buffer;
  const stops: (() => Promise<unknown>)[] = [];

  before(async function () {
    requires(this, { root: true, programs: ['docker', 'dockerd', 'busybox', 'script'] });
    tar = await busyboxTar();
    const pairs = await Promise.all([startPair(stops), startPair(stops)]);
    [ours, theirs] = pairs[0];
    for (const engine of pairs.flat()) {
      const { code, stderr } = await docker(engine, ['import', '-', image], { input: tar });
      assert.equal(code, 0, stderr);
    }
    lanes = new Lanes(Object.values(subjects).flat(), pairs, compare);
  });

  after(async () => {
    await lanes?.settled();
    await Promise.all(stops.map((stop) => stop()));
  });

  for (const [subject, scenarios] of Object.entries(subjects)) {
    describe(subject, () => {
      for (const scenario of scenarios) it(scenario.name, () => lanes.run(scenario));
    });
  }

  describe('archives', () => {
    before(() => lanes.settled());

    it('import with changes, load of what dockerd saved', async () => {
      const changes = ['-c', 'CMD ["echo","changed"]', '-c', 'ENV A=b', '-c', 'WORKDIR /tmp', '-m', 'a message'];
      await docker(theirs, ['import', ...changes, '-', 'saved:1'], { input: tar });
      const archive = await saved(theirs, 'saved:1');
      await docker(theirs, ['rmi', 'saved:1']);
      const both = await Promise.all(
        [ours, theirs].map(async (engine) => {
          const said = [
            await docker(engine, ['import', ...changes, '-', 'imported:1'], { input: tar }),
            await docker(engine, ['run', '--rm', 'imported:1']),
            await docker(engine, ['load'], { input: archive }),
            await docker(engine, ['load'], { input: archive }),
            await docker(engine, ['run', '--rm', 'saved:1', 'sh', '-c', 'echo $A; pwd']),
            await docker(engine, ['rmi', 'saved:1', 'imported:1']),
          ];
          return said.map(({ code, stdout, stderr }) => ({
            code,
            stdout: normalized(stdout, engine),
            stderr: normalized(stderr, engine),
          }));
        }),
      );
      assert.deepEqual(both[0], both[1]);
    });

    it('broken archives and changes: refused by both, ours naming what is wrong', async () => {
      const archive = await saved(theirs, image);
      const cases = [
        {
          args: ['load'],
          input: archive.subarray(0, archive.length / 2),
          ours: /^invalid archive: it ends in the middle/,
        },
        { args: ['load'], input: 'this is no archive', ours: /^invalid archive: / },
        { args: ['import', '-c', 'NOPE x', '-', 'bad:1'], input: tar, ours: /nope is not a valid change command/ },
      ];
      const before = await docker(ours, ['images', '-aq']);
      for (const { args, input, ours: words } of cases) {
        const [mine, reference] = await Promise.all([docker(ours, args, { input }), docker(theirs, args, { input })]);
        assert.equal(mine.code, reference.code, args.join(' '));
        assert.match(mine.stderr, words);
      }
      assert.deepEqual(await docker(ours, ['images', '-aq']), before, 'nothing is left of them');
    });
  });
});

async function startPair(stops: (() => Promise<unknown>)[]): Promise<Engines> {
  const agent = await startAgent();
  stops.push(() => agent.stop());
  const dockerd = await startDockerd();
  stops.push(() => dockerd.stop());
  return [
    { name: 'porthole', host: `unix://${agent.socket}` },
    { name: 'dockerd', host: dockerd.host },
  ];
}

/** `docker save` writes binary output, which a string would spoil. */
async function saved(engine: Engine, name: string): Promise<Buffer> {
  const { execFile } = await import('node:child_process');
  return new Promise((resolve, reject) => {
    const options = { encoding: 'buffer', maxBuffer: 256 << 20 } as const;
    execFile('docker', ['-H', engine.host, 'save', name], options, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    );
  });
}
