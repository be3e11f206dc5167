import assert from 'node:assert/strict';
import {
  adjustCapabilities,
  capabilitySets,
  defaultCapabilities,
  normalizeCapability,
} from '../../../src/agent/oci/capabilities.ts';
import { defaultSeccomp, defaultSpec } from '../../../src/agent/oci/defaults.ts';

const host = { architecture: 'x64', cgroup: { version: 1 }, features: new Set(['mqueue']) } as const;
const process = { args: ['true'], env: [], cwd: '/', user: { uid: 0, gid: 0 } };

describe('Docker’s defaults', () => {
  it('adjust capabilities as --cap-add and --cap-drop say', () => {
    assert.deepEqual(new Set(adjustCapabilities({})), new Set(defaultCapabilities));
    assert.deepEqual(adjustCapabilities({ drop: ['ALL'] }), []);
    assert.deepEqual(adjustCapabilities({ drop: ['all'], add: ['net_admin', 'CAP_CHOWN'] }), [
      'CAP_CHOWN',
      'CAP_NET_ADMIN',
    ]);
    assert.equal(adjustCapabilities({ add: ['ALL'] }).length, 41);
    assert.ok(!adjustCapabilities({ add: ['ALL'], drop: ['SYS_ADMIN'] }).includes('CAP_SYS_ADMIN'));
    assert.ok(!adjustCapabilities({ add: ['ALL', 'SYS_ADMIN'], drop: ['SYS_ADMIN'] }).includes('CAP_SYS_ADMIN'));
    assert.ok(adjustCapabilities({ add: ['SYS_ADMIN'], drop: ['SYS_ADMIN'] }).includes('CAP_SYS_ADMIN'));
    assert.throws(() => normalizeCapability('fly'), /unknown capability: CAP_FLY/);
  });

  it('give a user that is not root nothing but the bounding set', () => {
    assert.deepEqual(capabilitySets(['CAP_KILL'], { uid: 1 }), { bounding: ['CAP_KILL'] });
    assert.deepEqual(Object.keys(capabilitySets(['CAP_KILL'], { uid: 0 })), ['bounding', 'effective', 'permitted']);
  });

  it('leave out what this kernel lacks, and add a cgroup namespace on v2 only', () => {
    const types = (spec: ReturnType<typeof defaultSpec>) => spec.linux.namespaces.map((one) => one.type);
    const v1 = defaultSpec({ process, hostname: 'x', host });
    const v2 = defaultSpec({ process, hostname: 'x', host: { ...host, cgroup: { version: 2 }, features: new Set() } });
    assert.ok(!types(v1).includes('cgroup') && types(v2).includes('cgroup'));
    assert.ok(v1.mounts?.some((mount) => mount.type === 'mqueue'));
    assert.ok(!v2.mounts?.some((mount) => mount.type === 'mqueue'));
  });

  it('let go of everything for a privileged container', () => {
    const { linux, process: made, mounts } = defaultSpec({ process, hostname: 'x', host, privileged: true });
    assert.equal(linux.seccomp, undefined);
    assert.equal(linux.maskedPaths, undefined);
    assert.equal(made.capabilities?.effective?.length, 41);
    assert.deepEqual(linux.resources?.devices, [{ allow: true, access: 'rwm' }]);
    assert.ok(mounts?.find((mount) => mount.destination === '/sys')?.options?.includes('rw'));
  });

  it('allow system calls by capability', () => {
    const allows = (capabilities: string[], name: string) =>
      defaultSeccomp(capabilities, 'x64').syscalls?.some(
        (rule) => rule.names.includes(name) && rule.action === 'SCMP_ACT_ALLOW' && !rule.args,
      );
    assert.ok(!allows([], 'mount') && allows(['CAP_SYS_ADMIN'], 'mount'));
    assert.ok(!allows([], 'clone3') && allows(['CAP_SYS_ADMIN'], 'clone3'));
    assert.ok(!allows([], 'io_uring_setup') && allows([], 'read'));
  });
});
