import assert from 'node:assert/strict';
import { defaultSpec } from '../../../src/agent/oci/defaults.ts';
import type { Resources, Spec } from '../../../src/agent/oci/runtime.ts';
import { parseList } from '../../../src/agent/plan/cgroup-check.ts';
import { limitWrites } from '../../../src/agent/plan/cgroup-limits.ts';
import { weightOfShares } from '../../../src/agent/plan/cgroup-values.ts';
import { compile } from '../../../src/agent/plan/compile.ts';
import type { HostFacts } from '../../../src/agent/plan/facts.ts';
import { steps } from '../../../src/agent/plan/operations.ts';
import { reasons } from '../../../src/agent/plan/reasons.ts';
import { isKind, PortholeError } from '../../../src/base/errors.ts';
import { container, hosts } from './hosts.ts';

describe('limits', () => {
  const impossible: [name: string, resources: Resources, message: RegExp][] = [
    ['too little memory', { memory: { limit: 4096 } }, /memory\.limit: 4096 bytes is too little/],
    ['no memory at all', { memory: { limit: 0 } }, /memory\.limit: 0 bytes is too little/],
    ['negative memory', { memory: { limit: -2 } }, /-2 is not a number of bytes/],
    ['less swap than memory', { memory: { limit: 2 ** 26, swap: 2 ** 25 } }, /cannot be below the limit/],
    ['a quota below 1 ms', { cpu: { quota: 999, period: 100_000 } }, /999 µs is below the kernel’s minimum/],
    ['a period beyond 1 s', { cpu: { period: 1_000_001 } }, /not between 1 ms and 1 s/],
    ['a processor that is not there', { cpu: { cpus: '2-5' } }, /cpus: 4,5 does not exist here \(available: 0-3\)/],
    ['a memory node that is not there', { cpu: { mems: '1' } }, /mems: 1 does not exist here/],
    ['a list that is none', { cpu: { cpus: '3-1' } }, /not a list like 0-3,6/],
    ['no process at all', { pids: { limit: 0 } }, /0 would not let a single process start/],
    ['a weight out of range', { blockIO: { weight: 5 } }, /5 is not between 10 and 1000/],
  ];
  for (const [name, resources, message] of impossible) {
    for (const host of [hosts.v1, hosts.v2]) {
      it(`refuse ${name} before anything is made (v${host.cgroup.version})`, () => {
        assert.throws(
          () => limitWrites(resources, host),
          (failure) => isKind(failure, 'invalid') && message.test(failure.message),
        );
      });
    }
  }

  it('reach past v2’s files by name, but not out of the cgroup', () => {
    const write = (file: string) => limitWrites({ unified: { [file]: '1' } }, hosts.v2);
    assert.deepEqual(
      write('memory.high').map(({ controller, file, value }) => [controller, file, value]),
      [['memory', 'memory.high', '1']],
    );
    assert.throws(() => write('../memory.max'), PortholeError);
    assert.throws(() => write('cgroup/../x'), PortholeError);
  });

  it('translate shares to weights, end to end', () => {
    assert.deepEqual([0, 2, 1024, 262144, 10 ** 9].map(weightOfShares), [1, 1, 39, 10000, 10000]);
  });

  it('read the kernel’s lists', () => {
    assert.deepEqual([...(parseList('0-2,7') ?? [])], [0, 1, 2, 7]);
    for (const wrong of ['', 'a', '1-', '2-1', '1,,2', '-1']) assert.equal(parseList(wrong), undefined, wrong);
  });

  it('refuse a controller that the host lacks', () => {
    const host = { ...hosts.v2, cgroup: { ...hosts.v2.cgroup, controllers: ['cpu'] } };
    const spec = specWith({ linux: { resources: { memory: { limit: 2 ** 26 } } } }, host);
    assert.throws(
      () => compile(spec, { host, container }),
      (failure) => isKind(failure, 'unsupported') && /no memory controller/.test(failure.message),
    );
  });
});

describe('a configuration that cannot be', () => {
  const cases: [name: string, change: Change, message: RegExp][] = [
    ['no mount namespace', { linux: { namespaces: [{ type: 'pid' }] } }, /mount namespace of its own/],
    [
      'a namespace twice',
      { linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }, { type: 'pid' }] } },
      /pid is listed twice/,
    ],
    [
      'a user namespace without a root',
      { linux: { namespaces: [{ type: 'mount' }, { type: 'user' }] } },
      /the user namespace has no root/,
    ],
    [
      'a time namespace',
      { linux: { namespaces: [{ type: 'mount' }, { type: 'time' }] } },
      /time namespaces are not supported yet/,
    ],
    [
      'a host name without a UTS namespace',
      { linux: { namespaces: [{ type: 'mount' }], sysctl: {} } },
      /hostname: needs a UTS namespace/,
    ],
    ['a sysctl of the whole machine', { linux: { sysctl: { 'kernel.panic': '1' } } }, /not a setting of a container/],
    [
      'a sysctl that climbs out behind a slash',
      { linux: { sysctl: { 'net/../kernel/panic': '1' } } },
      /not a setting of/,
    ],
    ['a sysctl that climbs out', { linux: { sysctl: { 'net.//.kernel.panic': '1' } } }, /not a setting of a container/],
    [
      'a sysctl of a shared namespace',
      { linux: { namespaces: [{ type: 'mount' }, { type: 'uts' }], sysctl: { 'net.a': '1' } } },
      /needs a network namespace/,
    ],
    ['a cgroup outside the root', { linux: { cgroupsPath: '/../x' } }, /not a cgroup below the root/],
    ['a cgroup of systemd’s', { linux: { cgroupsPath: 'system.slice:docker:x' } }, /systemd name/],
    ['a relative destination', { mounts: [{ destination: 'x', type: 'tmpfs' }] }, /not an absolute path/],
    [
      'a relative source',
      { mounts: [{ destination: '/x', type: 'bind', source: 'x' }] },
      /source "x" is not an absolute path/,
    ],
    ['an unknown capability', { process: { capabilities: { bounding: ['CAP_FLY'] } } }, /unknown capability: CAP_FLY/],
    ['an unknown limit', { process: { rlimits: [{ type: 'RLIMIT_FUN', soft: 1, hard: 1 }] } }, /RLIMIT_FUN is unknown/],
    [
      'a soft limit above the hard one',
      { process: { rlimits: [{ type: 'RLIMIT_CORE', soft: 2, hard: 1 }] } },
      /soft limit is above/,
    ],
    ['nothing to run', { process: { args: [] } }, /no program to run/],
    ['a relative working directory', { process: { cwd: 'tmp' } }, /"tmp" is not an absolute path/],
    ['an unknown propagation', { linux: { rootfsPropagation: 'sideways' } }, /"sideways" is unknown/],
    ['a terminal without /dev/pts', { process: { terminal: true }, mounts: [] }, /needs a devpts mount/],
    [
      'an unknown access to a device',
      { linux: { resources: { devices: [{ allow: true, access: 'x' }] } } },
      /"x" is no access/,
    ],
  ];
  for (const [name, change, message] of cases) {
    it(`is refused: ${name}`, () => {
      for (const host of [hosts.v1, hosts.v2]) {
        const expected = (failure: unknown) =>
          (isKind(failure, 'invalid') || isKind(failure, 'unsupported')) && message.test(failure.message);
        assert.throws(() => compile(specWith(change, host), { host, container }), expected);
      }
    });
  }

  it('explains every operation with one of the fixed sentences', () => {
    const known = new Set<string>(Object.values(reasons));
    for (const host of Object.values(hosts)) {
      for (const { operation } of steps(compile(specWith({}, host), { host, container }))) {
        assert.ok(known.has(operation.why), operation.why);
      }
    }
  });
});

type Change = Partial<Omit<Spec, 'process' | 'linux'>> & {
  readonly process?: Partial<Spec['process']>;
  readonly linux?: Partial<Spec['linux']>;
};

function specWith({ process, linux, ...rest }: Change, host: HostFacts): Spec {
  const base = defaultSpec({
    process: { args: ['true'], env: [], cwd: '/', user: { uid: 0, gid: 0 } },
    hostname: 'x',
    host,
  });
  return { ...base, ...rest, process: { ...base.process, ...process }, linux: { ...base.linux, ...linux } };
}
