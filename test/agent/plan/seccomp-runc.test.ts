import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defaultCapabilities } from '../../../src/agent/oci/capabilities.ts';
import { defaultSeccomp } from '../../../src/agent/oci/defaults.ts';
import type { Seccomp, SeccompRule } from '../../../src/agent/oci/runtime.ts';
import { compileSeccomp } from '../../../src/agent/plan/seccomp.ts';
import { x64Numbers } from '../../../src/agent/plan/syscalls-x64.ts';
import { requires } from '../../support/tools.ts';
import { audits, type Call, runFilter, verdicts, x32Bit } from './bpf-machine.ts';
import { Bundle } from './bundle.ts';

/**
 * The filter that runc (with the real libseccomp) puts on a process is read back from the kernel and compared with ours
 * of the same policy, call by call. What may differ is listed here with its reason.
 */
describe('our seccomp filter and runc’s', function () {
  this.timeout(30_000);
  let bundle: Bundle;
  before(async function () {
    requires(this, { root: true, programs: ['runc', 'busybox'] });
    if (process.arch !== 'x64') {
      console.log('      skipped: the list of differences is for x64');
      this.skip();
    }
    bundle = await Bundle.make();
    const source = fileURLToPath(new URL('dump-filter.c', import.meta.url));
    execFileSync('cc', ['-O1', '-o', bundle.path('dump-filter'), source]);
  });
  after(() => bundle?.dispose());

  const comparisons: Record<string, Seccomp> = {
    'of Docker’s default policy': defaultSeccomp(defaultCapabilities, 'x64'),
    'of the policy with SYS_ADMIN': defaultSeccomp([...defaultCapabilities, 'CAP_SYS_ADMIN', 'CAP_SYS_TIME'], 'x64'),
    'of a policy with every comparison': {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86_64'],
      syscalls: comparisonRules(),
    },
  };
  for (const [name, policy] of Object.entries(comparisons)) {
    it(`agree on every call ${name}`, () => {
      const theirs = filterOfRunc(bundle, policy);
      const ours = compileSeccomp(policy, { architecture: 'x64' });
      const differences: string[] = [];
      for (const call of calls()) {
        const [mine, other] = [runFilter(ours, call), runFilter(theirs, call)];
        if (mine !== other && !isExpected(call, mine, other)) {
          differences.push(
            `${call.audit.toString(16)} ${call.number} (${call.args?.join()}): ours ${hex(mine)}, runc ${hex(other)}`,
          );
        }
      }
      assert.deepEqual(differences, []);
    });
  }

  it('are the kernel’s own view of ours, too', async () => {
    const policy = defaultSeccomp(defaultCapabilities, 'x64');
    const { shim } = await bundle.start(bundle.spec('sleep 100', { linux: { seccomp: policy } }));
    assert.deepEqual(filterOf(bundle, shim.pid), Buffer.from(compileSeccomp(policy, { architecture: 'x64' })));
    shim.signal(9);
    assert.equal((await shim.exited).exitCode, 137);
  });
});

/** The newest call that Debian 12's libseccomp 2.5.4 knows is set_mempolicy_home_node; uretprobe came later to an old gap. */
const newestOfLibseccomp = 450;

function isExpected(call: Call, ours: number, runcs: number): boolean {
  const number = call.number >= x32Bit && call.number < 2 * x32Bit ? call.number - x32Bit : call.number;
  const uretprobe = call.audit === audits.x64 && call.number === x64Numbers.get('uretprobe');
  // libseccomp skips names that it does not know, so that their calls count as unknown there.
  if (number > newestOfLibseccomp || uretprobe)
    return ours === verdicts.allow || ours === verdicts.eperm || runcs === verdicts.enosys;
  // runc compares with the newest call that the policy names; for it that is one that we know a newer one than.
  return runcs === verdicts.enosys && ours === verdicts.eperm && number >= 449;
}

function* calls(): Generator<Call> {
  const values = [
    0n,
    1n,
    5n,
    8n,
    40n,
    41n,
    0x20000n,
    0x20008n,
    0xffffffffn,
    0x10000000n,
    0x7e020000n,
    0x100000005n,
    1n << 63n,
  ];
  for (const audit of [audits.x64, audits.i386, audits.arm64]) {
    for (let number = 0; number < 600; number++) {
      for (const value of values) yield { audit, number, args: [value, value, value] };
    }
  }
  for (const number of [x32Bit, x32Bit + 16, x32Bit + 56, x32Bit + 165, x32Bit + 520, 0xffffffff]) {
    for (const value of values) yield { audit: audits.x64, number, args: [value, value, value] };
  }
}

function comparisonRules(): SeccompRule[] {
  const operators = ['EQ', 'NE', 'LT', 'LE', 'GT', 'GE'] as const;
  const names = ['mkdir', 'rmdir', 'unlink', 'link', 'symlink', 'chmod'];
  return [
    ...operators.map(
      (operator, index): SeccompRule => ({
        names: [names[index] ?? ''],
        action: 'SCMP_ACT_ERRNO',
        errnoRet: 5,
        args: [{ index: 1, value: 2 ** 32 + 5, op: `SCMP_CMP_${operator}` }],
      }),
    ),
    {
      names: ['chown'],
      action: 'SCMP_ACT_ERRNO',
      args: [{ index: 2, value: 0xff, valueTwo: 5, op: 'SCMP_CMP_MASKED_EQ' }],
    },
    {
      names: ['rename'],
      action: 'SCMP_ACT_ERRNO',
      args: [
        { index: 0, value: 5, op: 'SCMP_CMP_GE' },
        { index: 1, value: 41, op: 'SCMP_CMP_LT' },
      ],
    },
    { names: ['sync'], action: 'SCMP_ACT_LOG' },
    { names: ['reboot'], action: 'SCMP_ACT_KILL_PROCESS' },
  ];
}

function filterOfRunc(bundle: Bundle, policy: Seccomp): Buffer {
  const id = `porthole-test-${bundle.id}`;
  const spec = bundle.spec('sleep 100', {
    root: { path: 'layer' },
    linux: { seccomp: policy, cgroupsPath: `${bundle.cgroup}-runc` },
  });
  writeFileSync(bundle.path('config.json'), JSON.stringify(spec));
  // A pipe would be the container's as well, and be held open by it.
  const runc = (...args: string[]) =>
    spawnSync('runc', ['--root', bundle.path('runc'), '--log', bundle.path('runc.log'), ...args], {
      cwd: bundle.directory,
      stdio: 'ignore',
    });
  const started = runc('run', '--detach', '--pid-file', bundle.path('runc.pid'), id);
  try {
    assert.equal(started.status, 0, readFileSync(bundle.path('runc.log'), 'utf8'));
    return filterOf(bundle, Number(readFileSync(bundle.path('runc.pid'), 'utf8')));
  } finally {
    runc('delete', '--force', id);
  }
}

function filterOf(bundle: Bundle, pid: number): Buffer {
  return execFileSync(bundle.path('dump-filter'), [String(pid)]);
}

const hex = (verdict: number): string => `0x${verdict.toString(16)}`;
