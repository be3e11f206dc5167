import { capabilityNumber } from '../oci/capabilities.ts';
import type { Process, Seccomp } from '../oci/runtime.ts';
import { invalidSpec } from './errors.ts';
import type { HostFacts } from './facts.ts';
import { prctlOptions, RLIM_INFINITY, rlimitNames, seccompFlags } from './flags.ts';
import type { Operation } from './operations.ts';
import { reasons } from './reasons.ts';
import { compileSeccomp } from './seccomp.ts';

/**
 * The last part of every plan: the calling process takes on the limits, rights and user of the configuration and
 * executes its program. The order is runc's, and each step needs a right that a later one gives up.
 */
export function becomeProgram(
  process: Process,
  options: {
    readonly seccomp: Seccomp | undefined;
    readonly host: HostFacts;
    /** Whether standard input is a pipe of ours, and not /dev/null. */
    readonly stdin: boolean;
    /** Standard input and output were given to the user before, by somebody who could. */
    readonly ownsStdio?: boolean;
  },
): Operation[] {
  const { uid, gid, additionalGids = [], umask = 0o022 } = process.user;
  const noNewPrivileges = process.noNewPrivileges ?? false;
  const filter =
    options.seccomp === undefined ? undefined : seccompStep(options.seccomp, options.host, noNewPrivileges);
  const { PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS } = prctlOptions;
  const sets = capabilityMasks(process, options.host);
  const operations: Operation[] = rlimitSteps(process);
  // As root, because the working directory may be closed to the user; nothing of the host is in reach any more.
  operations.push({ op: 'chdir', path: process.cwd, why: reasons.workingDirectory });
  if (noNewPrivileges) {
    operations.push({ op: 'prctl', option: PR_SET_NO_NEW_PRIVS, value: 1n, why: reasons.noNewPrivileges });
  } else if (filter !== undefined) {
    // Without no_new_privs a filter needs CAP_SYS_ADMIN, which goes with the capabilities below.
    operations.push(filter);
  }
  operations.push({ op: 'capBounding', keep: sets.bounding, why: reasons.capabilityBounding });
  // A change from user 0 to another clears the permitted set unless told to keep it.
  const keeps = uid !== 0 && sets.permitted !== 0n;
  if (keeps) operations.push({ op: 'prctl', option: PR_SET_KEEPCAPS, value: 1n, why: reasons.keepCapabilities });
  if (uid !== 0 && !(options.ownsStdio && process.terminal !== true)) {
    operations.push(...stdioSteps(process, options.stdin));
  }
  if (options.host.rootless?.groups !== false) {
    operations.push({ op: 'setgroups', groups: groupBytes(additionalGids), why: reasons.groups });
  }
  operations.push({ op: 'setgid', gid, why: reasons.group });
  operations.push({ op: 'setuid', uid, why: reasons.user });
  if (keeps) operations.push({ op: 'prctl', option: PR_SET_KEEPCAPS, value: 0n, why: reasons.forgetKeepCapabilities });
  const { effective, permitted, inheritable, ambient } = sets;
  operations.push({ op: 'capset', effective, permitted, inheritable, why: reasons.capabilities });
  if (ambient !== 0n) operations.push({ op: 'capAmbient', set: ambient, why: reasons.ambient });
  operations.push({ op: 'umask', mask: umask, why: reasons.umask });
  if (noNewPrivileges && filter !== undefined) operations.push(filter);
  operations.push(execStep(process));
  return operations;
}

function execStep(process: Process): Operation {
  const [file] = process.args;
  if (file === undefined) throw invalidSpec('process.args', 'there is no program to run');
  if (!process.cwd.startsWith('/')) throw invalidSpec('process.cwd', `"${process.cwd}" is not an absolute path`);
  const env = process.env ?? [];
  const path = env.findLast((one) => one.startsWith('PATH='));
  // No name is no file: behind a directory of PATH it would be that directory.
  const search = file === '' ? '' : (path?.slice(5) ?? '');
  return { op: 'exec', file, argv: process.args, env, search, why: reasons.exec };
}

/**
 * A program that is not root opens /dev/stdout anew, which takes the right to the pipe behind it. Only what the shim made
 * is given away: standard input may be the host's own /dev/null. The group of a terminal stays tty.
 */
function stdioSteps(process: Process, stdin: boolean): Operation[] {
  const ours = process.terminal === true ? [0] : [...(stdin ? [0] : []), 1, 2];
  return ours.map((fd) => ({ op: 'fchown', fd, uid: process.user.uid, gid: 0xffffffff, why: reasons.stdioOwner }));
}

function seccompStep(seccomp: Seccomp, host: HostFacts, late: boolean): Operation {
  const filter = host.filters?.compile(seccomp) ?? compileSeccomp(seccomp, host);
  return { op: 'seccomp', filter, flags: flagBits(seccomp), why: late ? reasons.seccompLate : reasons.seccompEarly };
}

function flagBits(seccomp: Seccomp): number {
  return (seccomp.flags ?? []).reduce((bits, name) => {
    const bit = seccompFlags[name];
    if (bit === undefined) throw invalidSpec('linux.seccomp.flags', `${name} is unknown`);
    return bits | bit;
  }, 0);
}

function rlimitSteps(process: Process): Operation[] {
  return (process.rlimits ?? []).map((limit) => {
    const resource = rlimitNames.indexOf(limit.type);
    if (resource < 0) throw invalidSpec('process.rlimits', `${limit.type} is unknown`);
    const [soft, hard] = [rlimitValue(limit.soft), rlimitValue(limit.hard)];
    if (soft > hard) throw invalidSpec('process.rlimits', `${limit.type}: the soft limit is above the hard one`);
    return { op: 'setrlimit', resource, soft, hard, why: reasons.rlimit };
  });
}

/** JSON numbers beyond 2^53 are no longer exact; the one that is used there is 2^64-1, unlimited. */
function rlimitValue(value: number): bigint {
  return value < 0 || value > Number.MAX_SAFE_INTEGER ? RLIM_INFINITY : BigInt(Math.trunc(value));
}

function capabilityMasks(process: Process, host: HostFacts) {
  const { bounding, effective, permitted, inheritable, ambient } = process.capabilities ?? {};
  // A capability that this kernel does not know yet cannot be given: Docker drops it without a word as well.
  const known = (1n << BigInt(host.lastCapability + 1)) - 1n;
  const mask = (names: readonly string[] = []): bigint =>
    names.reduce((bits, name) => bits | (1n << BigInt(capabilityNumber(name))), 0n) & known;
  return {
    bounding: mask(bounding),
    effective: mask(effective),
    permitted: mask(permitted),
    inheritable: mask(inheritable),
    // capabilities(7): none can be ambient that is not permitted and inheritable too. runc passes over them as well.
    ambient: mask(ambient) & mask(permitted) & mask(inheritable),
  };
}

function groupBytes(groups: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(groups.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, group] of groups.entries()) view.setUint32(index * 4, group, true);
  return bytes;
}
