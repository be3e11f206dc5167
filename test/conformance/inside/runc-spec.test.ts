import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Spec } from '../../../src/agent/oci/runtime.ts';
import { Bundle } from '../../agent/plan/bundle.ts';
import { requires } from '../../support/tools.ts';
import { againstRunc } from './differences.ts';
import type { Difference } from './kinds.ts';
import { compareViews, hostNamespaces, probeScript, readView } from './probe.ts';
import { runByRunc } from './runc.ts';

const exec = promisify(execFile);

/** A bundle made by others: `runc spec` writes it, runc runs it and our shim does, and a probe sees the same inside. */
describe('a bundle of runc spec, run by our shim', function () {
  this.timeout(60_000);
  let bundle: Bundle;

  before(function () {
    requires(this, { root: true, programs: ['runc', 'busybox'] });
  });
  beforeEach(async () => {
    bundle = await Bundle.make();
  });
  afterEach(() => bundle?.dispose());

  const boundNodes = {
    keys: /^mountinfo \/(dev\/(full|null|random|tty|urandom|zero)|proc\/(keys|timer_list))$/,
    why: 'in a user namespace runc binds the host’s nodes, ours nodes made for the container',
  };
  const cases: readonly {
    readonly name: string;
    readonly flags: readonly string[];
    readonly change: (spec: Spec) => Spec;
    readonly known?: readonly Difference[];
  }[] = [
    { name: 'as it is written', flags: [], change: (spec) => spec },
    {
      name: 'with a root that can be written, another user and no limits',
      flags: [],
      change: (spec) => ({
        ...spec,
        root: { ...spec.root, path: 'rootfs', readonly: false },
        process: { ...spec.process, user: { uid: 1000, gid: 100 }, cwd: '/etc', rlimits: [] },
      }),
    },
    { name: 'for an ordinary user (--rootless)', flags: ['--rootless'], change: (spec) => spec, known: [boundNodes] },
  ];
  for (const { name, flags, change, known = [] } of cases) {
    it(name, async () => {
      const directory = bundle.path('other');
      mkdirSync(`${directory}/rootfs`, { recursive: true });
      await exec('runc', ['spec', ...flags], { cwd: directory });
      const file = `${directory}/config.json`;
      const written: Spec = change(JSON.parse(await readFile(file, 'utf8')));
      const spec: Spec = {
        ...written,
        process: { ...written.process, terminal: false, args: ['sh', '-c', probeScript] },
        // Where each would put it by itself is its own choice.
        linux: { ...written.linux, cgroupsPath: bundle.cgroup },
      };
      await writeFile(file, JSON.stringify(spec));
      const { output, exit } = await bundle.run(spec);
      assert.equal(exit.exitCode, 0, output);
      const overlay = { LowerDir: bundle.path('layer'), UpperDir: bundle.path('upper'), WorkDir: bundle.path('work') };
      const reference = await runByRunc({ id: bundle.id, bundle: directory, overlay });
      const [mine, his] = [output, reference].map((text) =>
        readView(text, { hostNamespaces: hostNamespaces(), id: bundle.id }),
      );
      assert.ok(mine && his && mine.has('status CapEff') && mine.size > 60);
      const unknown = [...compareViews(mine, his)].filter(
        ([key]) => ![...againstRunc, ...known].some(({ keys }) => keys.test(key)),
      );
      assert.deepEqual(unknown, []);
    });
  }
});
