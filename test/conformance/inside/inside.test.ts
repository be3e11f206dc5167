import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startAgent } from '../../support/agent.ts';
import { startDockerd } from '../../support/dockerd.ts';
import { requires } from '../../support/tools.ts';
import { busyboxTar, docker, type Engine } from '../engine.ts';
import { againstDockerd, againstRunc, type Difference } from './differences.ts';
import { compareViews, probeScript, readView, type View } from './probe.ts';

const exec = promisify(execFile);
const image = 'conformance/busybox:1';

/** What a process sees in our container, in runc's from the same bundle, in dockerd's from the same image. */
describe('inside a container', function () {
  this.timeout(60_000);
  const stops: (() => Promise<unknown>)[] = [];
  let ours: View;
  let runc: View;
  let theirs: View;

  before(async function () {
    requires(this, { root: true, programs: ['docker', 'dockerd', 'runc', 'busybox'] });
    const agent = await startAgent();
    stops.push(() => agent.stop());
    const dockerd = await startDockerd();
    stops.push(() => dockerd.stop());
    const porthole: Engine = { name: 'porthole', host: `unix://${agent.socket}` };
    const reference: Engine = { name: 'dockerd', host: dockerd.host };
    const tar = await busyboxTar();
    for (const engine of [porthole, reference]) await must(docker(engine, ['import', '-', image], { input: tar }));
    const [mine, his] = await Promise.all([probe(porthole), probe(reference)]);
    ours = mine.view;
    theirs = his.view;
    runc = await probeWithRunc(porthole, { id: mine.id, bundle: join(agent.dataRoot, 'containers', mine.id) });
    await must(docker(porthole, ['rm', mine.id]));
    await must(docker(reference, ['rm', his.id]));
  });

  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  it('the probe saw enough to compare', () => {
    for (const key of ['status CapEff', 'status Seccomp', 'mountinfo /proc', 'ns pid', 'uname 1', 'devices null']) {
      assert.ok(ours.has(key), key);
    }
    assert.ok([...ours.keys()].filter((key) => key.startsWith('cgroup ')).length > 0);
  });
  it('every difference from runc, on the same bundle, is known', () => check(compareViews(ours, runc), againstRunc));
  it('every difference from dockerd, on the same image, is known', () => {
    check(compareViews(ours, theirs), againstDockerd);
  });
});

/** An unlisted difference fails, and so does a listed one that is gone. */
function check(found: ReadonlyMap<string, string>, listed: readonly Difference[]): void {
  const unknown = [...found].filter(([key]) => !listed.some(({ keys }) => keys.test(key)));
  const stale = listed.filter(({ keys }) => ![...found.keys()].some((key) => keys.test(key)));
  assert.deepEqual({ unknown, stale: stale.map(({ keys }) => String(keys)) }, { unknown: [], stale: [] });
}

async function probe(engine: Engine): Promise<{ id: string; view: View }> {
  const args = ['create', '--network', 'none', '-m', '64m', image, 'sh', '-c', probeScript];
  const id = (await must(docker(engine, args))).trim();
  const output = await must(docker(engine, ['start', '-a', id]));
  return { id, view: readView(output, { hostNamespaces: hostNamespaces(), id }) };
}

/** Our bundle is an OCI bundle once its overlay is mounted at rootfs: runc runs it as it lies there. */
async function probeWithRunc(engine: Engine, { id, bundle }: { id: string; bundle: string }): Promise<View> {
  const answer = await must(docker(engine, ['inspect', '--format', '{{json .GraphDriver.Data}}', id]));
  const { LowerDir, UpperDir, WorkDir }: Record<string, string> = JSON.parse(answer);
  const rootfs = join(bundle, 'rootfs');
  const state = await mkdtemp(join(tmpdir(), 'runc-state-'));
  const layers = `lowerdir=${LowerDir},upperdir=${UpperDir},workdir=${WorkDir}`;
  await exec('mount', ['-t', 'overlay', 'overlay', '-o', layers, rootfs]);
  try {
    const { stdout } = await exec('runc', ['--root', state, 'run', '--bundle', bundle, id]);
    return readView(stdout, { hostNamespaces: hostNamespaces(), id });
  } finally {
    await exec('umount', [rootfs]);
    await rm(state, { recursive: true, force: true });
  }
}

async function must(running: Promise<{ code: number; stdout: string; stderr: string }>): Promise<string> {
  const { code, stdout, stderr } = await running;
  assert.equal(code, 0, stderr);
  return stdout;
}

function hostNamespaces(): View {
  return new Map(
    ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'].map((kind) => [kind, readlinkSync(`/proc/self/ns/${kind}`)]),
  );
}
