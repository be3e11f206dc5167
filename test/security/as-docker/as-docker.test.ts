import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { busyboxTar, docker, type Engine } from '../../conformance/engine.ts';
import { startAgent } from '../../support/agent.ts';
import { startDockerd } from '../../support/dockerd.ts';
import { requires } from '../../support/tools.ts';
import { knownCalls, knownKeys } from './differences.ts';
import { kinds } from './kinds.ts';
import { type Seen, see } from './see.ts';
import { disagreements } from './verdicts.ts';

/**
 * Rights of processes in our containers and in those of a real dockerd, kind by kind: capabilities, the kernel's own copy
 * of the seccomp filter run over every call number of every CPU mode, masked and read-only paths and what opening them
 * gives, devices, what of /proc and /sys opens for writing, limits, keyring, descriptors.
 */
describe('rights inside a container, beside dockerd', function () {
  this.timeout(120_000);
  const stops: (() => Promise<unknown>)[] = [];
  const isWhole = /^CapBnd:\t0*[137]?f+$/m.test(readFileSync('/proc/self/status', 'utf8'));
  const usedCalls = new Set<string>();
  const usedKeys = new Set<string>();
  let engines: readonly [Engine, Engine];
  let tools: string;
  const begun = new Map<string, Promise<readonly [Seen, Seen]>>();

  before(async function () {
    requires(this, { root: true, programs: ['docker', 'dockerd', 'runc', 'busybox'] });
    if (process.arch !== 'x64') {
      console.log('      skipped: the calls are listed for x64');
      this.skip();
    }
    tools = mkdtempSync('/tmp/porthole-as-docker-');
    stops.push(async () => rmSync(tools, { recursive: true }));
    chmodSync(tools, 0o755);
    compile('probe.c', 'probe');
    compile('../../agent/plan/dump-filter.c', 'dump-filter');
    const [agent, dockerd, image] = await Promise.all([startAgent(), startDockerd(), busyboxTar()]);
    stops.push(
      () => agent.stop(),
      () => dockerd.stop(),
    );
    engines = [
      { name: 'porthole', host: `unix://${agent.socket}` },
      { name: 'dockerd', host: dockerd.host },
    ];
    for (const engine of engines) {
      assert.equal((await docker(engine, ['import', '-', 'busybox'], { input: image })).code, 0);
    }
  });
  after(async () => {
    await Promise.allSettled(begun.values());
    for (const stop of stops.reverse()) await stop();
  });

  const names = Object.keys(kinds).filter((name) => isWhole || !kinds[name]?.needsAll);
  for (const [at, name] of names.entries()) {
    it(name, async () => {
      // One kind ahead: most of the time an engine waits.
      for (const next of names.slice(at, at + 3)) begin(next);
      const [ours, theirs] = await begin(name);
      assert.deepEqual([...differingKeys(ours, theirs), ...differingCalls(ours, theirs)], []);
    });
  }

  it('nothing is listed as different that is not', function () {
    if (begun.size < names.length) this.skip();
    const stale = [
      ...Object.keys(knownCalls).filter((name) => !usedCalls.has(name)),
      ...knownKeys.filter(({ keys }) => !usedKeys.has(keys.source)).map(({ keys }) => keys.source),
    ];
    assert.deepEqual(stale, []);
  });

  function begin(name: string): Promise<readonly [Seen, Seen]> {
    const kind = kinds[name];
    assert.ok(kind);
    const running = begun.get(name) ?? Promise.all([see(engines[0], kind, tools), see(engines[1], kind, tools)]);
    begun.set(name, running);
    running.catch(() => undefined);
    return running;
  }

  function differingKeys(ours: Seen, theirs: Seen): string[] {
    return [...new Set([...ours.lines.keys(), ...theirs.lines.keys()])].sort().flatMap((key) => {
      const [mine, other] = [ours.lines.get(key) ?? 'absent', theirs.lines.get(key) ?? 'absent'];
      if (mine === other) return [];
      const known = knownKeys.find(({ keys }) => keys.test(key));
      if (known === undefined) return [`${key}: ours ${mine}, dockerd's ${other}`];
      usedKeys.add(known.keys.source);
      return [];
    });
  }

  function differingCalls(ours: Seen, theirs: Seen): string[] {
    assert.equal(ours.filter === undefined, theirs.filter === undefined);
    return disagreements(ours.filter, theirs.filter).flatMap((one) => {
      const [known, reason] = Object.entries(knownCalls).find(([, { is }]) => is(one)) ?? [];
      if (known === undefined || reason === undefined)
        return [`${one.mode} ${one.name}(${one.argument}): ours ${one.ours}, dockerd's ${one.theirs}`];
      usedCalls.add(known);
      return [];
    });
  }

  function compile(source: string, program: string): void {
    const path = fileURLToPath(new URL(source, import.meta.url));
    execFileSync('cc', ['-O1', '-static', '-D_GNU_SOURCE', '-o', `${tools}/${program}`, path]);
  }
});
