import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startAgent } from '../../support/agent.ts';
import { startDockerd } from '../../support/dockerd.ts';
import { requires } from '../../support/tools.ts';
import { busyboxTar, docker, type Engine } from '../engine.ts';
import { againstDockerd, againstRunc } from './differences.ts';
import { type Difference, type Kind, kinds } from './kinds.ts';
import { compareViews, hostNamespaces, probeScript, readView, type View } from './probe.ts';
import { runByRunc } from './runc.ts';

const image = 'conformance/busybox:1';

/** What a process sees in our container, in runc's from the same bundle, in dockerd's from the same image. */
describe('inside a container', function () {
  this.timeout(60_000);
  const stops: (() => Promise<unknown>)[] = [];
  const seen = { runc: new Set<Difference>(), dockerd: new Set<Difference>() };
  let ours: Engine;
  let theirs: Engine;
  let dataRoot: string;
  let directory: string;

  before(async function () {
    requires(this, { root: true, programs: ['docker', 'dockerd', 'runc', 'busybox', 'script'] });
    directory = await mkdtemp('/tmp/porthole-inside-');
    stops.push(() => rm(directory, { recursive: true, force: true }));
    await mkdir(join(directory, 'data'));
    await writeFile(join(directory, 'data/f'), 'of the host\n');
    const agent = await startAgent();
    stops.push(() => agent.stop());
    const dockerd = await startDockerd();
    stops.push(() => dockerd.stop());
    ours = { name: 'porthole', host: `unix://${agent.socket}` };
    theirs = { name: 'dockerd', host: dockerd.host };
    dataRoot = agent.dataRoot;
    const tar = await busyboxTar();
    for (const engine of [ours, theirs]) {
      await must(docker(engine, ['import', '-', image], { input: tar }));
      await must(
        docker(engine, ['run', '-d', '--name=partner', '--network=none', '--ipc=shareable', image, 'sleep', '1000']),
      );
    }
  });

  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  for (const kind of kinds) {
    it(`${kind.name}: every difference from runc and from dockerd is known`, async () => {
      const [mine, his] = await Promise.all([
        probe(ours, kind),
        kind.withoutDockerd === undefined ? probe(theirs, kind) : undefined,
      ]);
      for (const key of ['status CapEff', 'status Seccomp', 'mountinfo /proc', 'ns pid', 'uname 1', 'devices null']) {
        assert.ok(mine.view.has(key), key);
      }
      if (kind.withoutRunc === undefined) await besideRunc(kind, mine);
      else console.log(`      not beside runc: ${kind.withoutRunc}`);
      if (his) {
        check(compareViews(mine.view, his.view), {
          common: againstDockerd,
          own: kind.dockerd ?? [],
          seen: seen.dockerd,
        });
      } else console.log(`      not beside dockerd: ${kind.withoutDockerd}`);
      await must(docker(ours, ['rm', '-v', mine.id]));
      if (his) await must(docker(theirs, ['rm', '-v', his.id]));
    });
  }

  it('no listed difference is gone', () => {
    const stale = (all: readonly Difference[], found: ReadonlySet<Difference>) =>
      all.filter((one) => !found.has(one)).map(({ keys }) => String(keys));
    assert.deepEqual([stale(againstRunc, seen.runc), stale(againstDockerd, seen.dockerd)], [[], []]);
  });

  async function besideRunc(kind: Kind, mine: { readonly id: string; readonly view: View }): Promise<void> {
    const bundle = join(dataRoot, 'containers', mine.id);
    const answer = await must(docker(ours, ['inspect', '--format', '{{json .GraphDriver.Data}}', mine.id]));
    const output = await runByRunc({
      id: mine.id,
      bundle,
      overlay: JSON.parse(answer),
      hasTerminal: isTerminal(kind),
    });
    const runc = readView(output, { hostNamespaces: hostNamespaces(), id: mine.id });
    check(compareViews(mine.view, runc), { common: againstRunc, own: kind.runc ?? [], seen: seen.runc });
  }

  async function probe(engine: Engine, { options }: Kind): Promise<{ id: string; view: View }> {
    const given = options.map((option) => option.replace('PARTNER', 'partner').replace('DIR', join(directory, 'data')));
    const id = (await must(docker(engine, ['create', ...given, image, 'sh', '-c', probeScript]))).trim();
    const output = await must(docker(engine, ['start', '-a', id]));
    return { id, view: readView(output.replaceAll('\r\n', '\n'), { hostNamespaces: hostNamespaces(), id }) };
  }
});

const isTerminal = ({ options }: Kind): boolean => options.includes('-t');

/** An unlisted difference fails, and so does one that is listed for this kind alone and is gone. */
function check(
  found: ReadonlyMap<string, string>,
  known: {
    readonly common: readonly Difference[];
    readonly own: readonly Difference[];
    readonly seen: Set<Difference>;
  },
): void {
  const listed = [...known.common, ...known.own];
  const unknown = [...found].filter(([key]) => !listed.some(({ keys }) => keys.test(key)));
  const isFound = ({ keys }: Difference): boolean => [...found.keys()].some((key) => keys.test(key));
  for (const one of known.common) if (isFound(one)) known.seen.add(one);
  const stale = known.own.filter((one) => !isFound(one)).map(({ keys }) => String(keys));
  assert.deepEqual({ unknown, stale }, { unknown: [], stale: [] });
}

async function must(running: Promise<{ code: number; stdout: string; stderr: string }>): Promise<string> {
  const { code, stdout, stderr } = await running;
  assert.equal(code, 0, stderr);
  return stdout;
}
