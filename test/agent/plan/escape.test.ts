import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import type { SpecMount } from '../../../src/agent/oci/runtime.ts';
import { requires } from '../../support/tools.ts';
import { Bundle } from './bundle.ts';

describe('an image whose links climb above its root', function () {
  this.timeout(30_000);
  let bundle: Bundle;
  before(function () {
    requires(this, { root: true, programs: ['busybox'] });
  });
  beforeEach(async () => {
    bundle = await Bundle.make();
  });
  afterEach(() => bundle?.dispose());

  // The window between pivot_root(".", ".") and the umount of the old root: "/.." leads to the host in it.
  it('gets no mount point, file or device made on the host', async () => {
    const outside = bundle.path('outside');
    mkdirSync(outside);
    mkdirSync(bundle.path('shared'));
    writeFileSync(bundle.path('note'), 'of the host\n');
    // The same path inside the image, so that the steps succeed where they should.
    mkdirSync(bundle.path('layer', outside), { recursive: true });
    symlinkSync(`../../../../..${outside}`, bundle.path('layer/up'));
    const bind = (destination: string, source: string): SpecMount => ({
      destination,
      source,
      type: 'bind',
      options: ['rbind', 'rprivate'],
    });
    const base = bundle.spec('');
    const mounts: SpecMount[] = [
      ...(base.mounts ?? []),
      bind('/up/directory/below', bundle.path('shared')),
      bind('/up/file', bundle.path('note')),
      { destination: '/up/memory', type: 'tmpfs', source: 'tmpfs', options: [] },
    ];
    const devices = [{ type: 'c', path: '/up/null', major: 1, minor: 3 } as const];
    const { output, exit } = await bundle.run(
      bundle.spec('cat /up/file; ls /up', { mounts, linux: { devices }, process: { cwd: '/up/work' } }),
    );
    assert.equal(exit.exitCode, 0, output);
    assert.deepEqual(output.trim().split(/\s+/), ['of', 'the', 'host', 'directory', 'file', 'memory', 'null', 'work']);
    assert.deepEqual(readdirSync(outside), []);
  });
});
