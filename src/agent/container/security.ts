import * as v from 'valibot';
import { capabilityNames } from '../oci/capabilities.ts';
import type { Seccomp, SeccompAction, SeccompRule } from '../oci/runtime.ts';
import { invalid, notSupportedYet } from './errors.ts';

export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** Name of an AppArmor profile, or 'unconfined'; undefined: the engine's choice. */
  readonly apparmor: string | undefined;
  /** undefined: unconfined. */
  readonly seccomp: 'default' | Seccomp | undefined;
}

export interface ProfileFacts {
  readonly features: ReadonlySet<string>;
  readonly capabilities: readonly string[];
  readonly architecture: 'x64' | 'arm64';
  readonly kernel: { readonly major: number; readonly minor: number };
}

/** Reads Docker's `--security-opt`. The docker command sends a seccomp profile's JSON in the option itself. */
export function readSecurityOptions(options: readonly string[], facts: ProfileFacts): SecurityOptions {
  let noNewPrivileges = false;
  let seccomp: SecurityOptions['seccomp'] = 'default';
  let apparmor: string | undefined;
  for (const option of options) {
    const match = /^([^=:]+)[=:]([\s\S]*)$/.exec(option);
    const [name, value] = match ? [match[1] ?? '', match[2] ?? ''] : [option, ''];
    if (name === 'no-new-privileges') noNewPrivileges = truth(option, value);
    else if (name === 'seccomp') seccomp = readProfile(value, facts);
    else if (name === 'apparmor') apparmor = value;
    else if (name === 'label') checkLabel(value, facts);
    else throw invalid(`invalid --security-opt ${match ? 2 : 1}: "${option}"`);
  }
  return { noNewPrivileges, seccomp, apparmor };
}

/** Without SELinux in the kernel dockerd takes any label, and none means anything. */
function checkLabel(value: string, { features }: ProfileFacts): void {
  if (value !== 'disable' && features.has('selinux'))
    throw notSupportedYet('An SELinux label (the security option label)');
}

/** The profile that a container's program gets; undefined where the kernel has no AppArmor, as dockerd does it. */
export function apparmorProfile(
  asked: string | undefined,
  { features, privileged }: { readonly features: ReadonlySet<string>; readonly privileged: boolean },
): string | undefined {
  if (!features.has('apparmor')) return undefined;
  if (asked) return asked;
  return privileged || !features.has('docker-default') ? 'unconfined' : 'docker-default';
}

function truth(option: string, value: string): boolean {
  if (value === '' || value === 'true') return true;
  if (value === 'false') return false;
  throw invalid(`invalid --security-opt 2: "${option}"`);
}

const texts = v.optional(v.nullable(v.array(v.string())));
const Filter = v.optional(
  v.nullable(v.object({ caps: texts, arches: texts, minKernel: v.optional(v.nullable(v.string())) })),
);
const actions = [
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_LOG',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_TRAP',
] as const satisfies readonly SeccompAction[];
const operators = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const;
/** Docker's profile format: the specification's with conditions per rule and a map of sub-architectures. */
const Profile = v.object({
  defaultAction: v.picklist(actions),
  defaultErrnoRet: v.optional(v.nullable(v.number())),
  architectures: texts,
  archMap: v.optional(v.nullable(v.array(v.object({ architecture: v.string(), subArchitectures: texts })))),
  flags: texts,
  syscalls: v.optional(
    v.nullable(
      v.array(
        v.object({
          name: v.optional(v.string()),
          names: texts,
          action: v.picklist(actions),
          errnoRet: v.optional(v.nullable(v.number())),
          args: v.optional(
            v.nullable(
              v.array(
                v.object({
                  index: v.number(),
                  value: v.number(),
                  valueTwo: v.optional(v.nullable(v.number())),
                  op: v.picklist(operators),
                }),
              ),
            ),
          ),
          includes: Filter,
          excludes: Filter,
        }),
      ),
    ),
  ),
});
type Rule = NonNullable<NonNullable<v.InferOutput<typeof Profile>['syscalls']>[number]>;

function readProfile(value: string, facts: ProfileFacts): SecurityOptions['seccomp'] {
  if (value === 'unconfined') return undefined;
  if (value === 'builtin') return 'default';
  let json: unknown;
  try {
    json = JSON.parse(value);
  } catch {
    throw invalid('Decoding seccomp profile failed: it is not valid JSON');
  }
  const parsed = v.safeParse(Profile, json);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const why = issue.received === 'undefined' ? 'it is missing' : issue.message;
    throw invalid(`Decoding seccomp profile failed: ${v.getDotPath(issue) ?? 'the whole'}: ${why}`);
  }
  const profile = parsed.output;
  const own = facts.architecture === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64';
  const mapped = profile.archMap?.find((each) => each.architecture === own);
  const architectures = profile.architectures ?? (mapped ? [own, ...(mapped.subArchitectures ?? [])] : undefined);
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet == null ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    ...(architectures ? { architectures } : {}),
    ...(profile.flags ? { flags: profile.flags } : {}),
    syscalls: (profile.syscalls ?? []).filter((rule) => applies(rule, facts)).map(toRule),
  };
}

function applies(rule: Rule, facts: ProfileFacts): boolean {
  const { includes, excludes } = rule;
  const arches = facts.architecture === 'x64' ? ['amd64', 'x86_64'] : ['arm64', 'aarch64'];
  const known = (name: string) => facts.capabilities.includes(name) && capabilityNames.some((each) => each === name);
  if (includes?.arches?.length && !includes.arches.some((name) => arches.includes(name))) return false;
  if (includes?.caps?.length && !includes.caps.every(known)) return false;
  if (includes?.minKernel && !isAtLeast(facts.kernel, includes.minKernel)) return false;
  if (excludes?.arches?.some((name) => arches.includes(name))) return false;
  if (excludes?.caps?.some(known)) return false;
  return !(excludes?.minKernel && isAtLeast(facts.kernel, excludes.minKernel));
}

function isAtLeast(kernel: ProfileFacts['kernel'], version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor);
}

function toRule(rule: Rule): SeccompRule {
  return {
    names: rule.names ?? (rule.name === undefined ? [] : [rule.name]),
    action: rule.action,
    ...(rule.errnoRet == null ? {} : { errnoRet: rule.errnoRet }),
    ...(rule.args?.length
      ? {
          args: rule.args.map((each) => ({
            index: each.index,
            value: each.value,
            op: each.op,
            ...(each.valueTwo == null ? {} : { valueTwo: each.valueTwo }),
          })),
        }
      : {}),
  };
}
