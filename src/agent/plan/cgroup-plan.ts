import { usualDeviceRules } from '../oci/defaults.ts';
import type { DeviceRule, Spec } from '../oci/runtime.ts';
import { type LimitWrite, limitWrites, needsCpuset } from './cgroup-limits.ts';
import { ancestorsOf, hierarchyOf } from './cgroup-path.ts';
import { deviceProgram, deviceRuleText } from './device-filter.ts';
import { unsupportedSpec } from './errors.ts';
import type { CgroupV1, CgroupV2, HostFacts } from './facts.ts';
import type { Operation } from './operations.ts';
import { reasons } from './reasons.ts';
import { text } from './text.ts';

/** What a plan does with a container's cgroups. `path` is below the root of each hierarchy. */
export interface CgroupSteps {
  /** On the host, before the process exists. */
  readonly make: readonly Operation[];
  /** On the host, by the shim that will supervise the process. */
  readonly watch: readonly Operation[];
  /** In the new process. */
  readonly join: readonly Operation[];
  /** On the host, after its end: readings first, then removal. */
  readonly after: readonly Operation[];
  /** v1: what is bound below /sys/fs/cgroup of the container. */
  readonly views: readonly { readonly name: string; readonly directory: string }[];
}

export function cgroupSteps(spec: Spec, path: string, host: HostFacts): CgroupSteps {
  const resources = spec.linux.resources ?? {};
  const writes = limitWrites(resources, host);
  return host.cgroup.version === 1
    ? stepsV1({ spec, path, host, writes, cgroup: host.cgroup })
    : stepsV2({ spec, path, host, writes, cgroup: host.cgroup });
}

/** Moving the calling process into cgroups that exist. */
export function joinCgroups(spec: Spec, path: string, host: HostFacts): Operation[] {
  const why = reasons.cgroupJoin;
  if (host.cgroup.version === 2) {
    return [{ op: 'write', path: `${host.cgroup.root}${path}/cgroup.procs`, data: text('0'), why }];
  }
  // `tasks` moves the one thread that there is. `cgroup.procs` moves a whole process and locks out every fork and exit of
  // the machine to do so, which older kernels pay with an RCU grace period (cgroup_procs_write_start in the kernel).
  return usedHierarchies(spec, host.cgroup).map((one) => ({
    op: 'write',
    path: `${one.root}${path}/tasks`,
    data: text('0'),
    why,
  }));
}

interface Input<C> {
  readonly spec: Spec;
  readonly path: string;
  readonly host: HostFacts;
  readonly cgroup: C;
  readonly writes: readonly LimitWrite[];
}

/** Controllers that every container is in: they limit, measure, freeze or guard it. cpuset is joined by need only. */
const usualControllers = ['cpu', 'cpuacct', 'memory', 'devices', 'freezer', 'blkio', 'pids'];

function usedHierarchies(spec: Spec, cgroup: CgroupV1): CgroupV1['hierarchies'] {
  const wanted = new Set(usualControllers);
  if (needsCpuset(spec.linux.resources ?? {})) wanted.add('cpuset');
  return cgroup.hierarchies.filter((one) => one.controllers.some((name) => wanted.has(name)));
}

function stepsV1(input: Input<CgroupV1>): CgroupSteps {
  const { spec, path, cgroup } = input;
  const used = usedHierarchies(spec, cgroup);
  const directoryOf = (controller: string): string => {
    const found = used.find((one) => one.controllers.includes(controller));
    if (found === undefined) throw missingController(controller);
    return `${found.root}${path}`;
  };
  const has = (controller: string): boolean => used.some((one) => one.controllers.includes(controller));
  const make: Operation[] = [];
  for (const hierarchy of used) {
    make.push({ op: 'mkdirs', path: `${hierarchy.root}${path}`, mode: 0o755, why: reasons.cgroupMake });
    if (hierarchy.controllers.includes('cpuset')) make.push(...fillCpusets(path, hierarchy.root));
  }
  // What a kernel may lack is no reason to refuse where the whole controller is missing.
  const writes = input.writes.filter((write) => !isPassedOver(write) || has(write.controller));
  make.push(...writes.map((write) => limitStep(write, directoryOf(write.controller))));
  for (const rule of deviceRules(input)) {
    make.push({
      op: 'write',
      path: `${directoryOf('devices')}/devices.${rule.allow ? 'allow' : 'deny'}`,
      data: text(deviceRuleText(rule)),
      why: rule.allow ? reasons.deviceAllow : reasons.deviceDeny,
    });
  }
  const readings: Operation[] = [];
  const watch: Operation[] = [];
  if (has('memory')) {
    watch.push(
      watchMemory(`${directoryOf('memory')}/memory.oom_control`, `${directoryOf('memory')}/cgroup.event_control`),
    );
    readings.push(read(`${directoryOf('memory')}/memory.oom_control`, reasons.readOom));
    readings.push(read(`${directoryOf('memory')}/memory.max_usage_in_bytes`, reasons.readPeak));
  }
  if (has('pids')) readings.push(read(`${directoryOf('pids')}/pids.events`, reasons.readPids));
  return {
    make,
    watch,
    join: joinCgroups(spec, path, input.host),
    after: [...readings, ...used.map((one) => remove(`${one.root}${path}`))],
    views: used.map((one) => ({ name: baseName(one.root), directory: `${one.root}${path}` })),
  };
}

/**
 * A cpuset takes no process until it has CPUs and nodes, and cannot have what its parent lacks: from the top down. One
 * that has some already may be somebody else's, so it keeps them.
 */
function fillCpusets(path: string, root: string): Operation[] {
  return [...ancestorsOf(path), path].flatMap((one) =>
    ['cpuset.cpus', 'cpuset.mems'].map(
      (file): Operation => ({
        op: 'inherit',
        from: `${root}${one.slice(0, one.lastIndexOf('/'))}/${file}`,
        to: `${root}${one}/${file}`,
        why: reasons.cgroupInherit,
      }),
    ),
  );
}

/** v1: a cpuset that takes processes. */
export function cpusetSteps(path: string, cgroup: CgroupV1): Operation[] {
  const root = hierarchyOf(cgroup, 'cpuset');
  if (root === undefined) throw missingController('cpuset');
  return [{ op: 'mkdirs', path: `${root}${path}`, mode: 0o755, why: reasons.cgroupMake }, ...fillCpusets(path, root)];
}

function stepsV2(input: Input<CgroupV2>): CgroupSteps {
  const { spec, path, cgroup } = input;
  const directory = `${cgroup.root}${path}`;
  const missing = input.writes.find(
    (write) => needsController(write) && !isPassedOver(write) && !cgroup.controllers.includes(write.controller),
  );
  if (missing !== undefined) throw missingController(missing.controller);
  const make: Operation[] = [];
  // Controllers are handed down level by level, from the root to the parent of the container's cgroup.
  const delegated = text(
    cgroup.controllers
      .filter((name) => handedDown.has(name))
      .map((name) => `+${name}`)
      .join(' '),
  );
  for (const parent of handedDownFrom(path, cgroup.delegated)) {
    if (parent !== '')
      make.push({ op: 'mkdirs', path: `${cgroup.root}${parent}`, mode: 0o755, why: reasons.cgroupMake });
    if (delegated.length === 0) continue;
    const control = `${cgroup.root}${parent}/cgroup.subtree_control`;
    make.push({ op: 'write', path: control, data: delegated, why: reasons.cgroupDelegate });
  }
  make.push({ op: 'mkdirs', path: directory, mode: 0o755, why: reasons.cgroupMake });
  make.push(...input.writes.map((write) => limitStep(write, directory)));
  const rules = deviceRules(input);
  if (rules.length > 0) {
    make.push({ op: 'deviceFilter', cgroup: directory, program: deviceProgram(rules), why: reasons.deviceFilter });
  }
  const readings: Operation[] = [];
  const watch: Operation[] = [];
  if (cgroup.controllers.includes('memory')) {
    watch.push(watchMemory(`${directory}/memory.events`, ''));
    readings.push(
      read(`${directory}/memory.events`, reasons.readOom),
      read(`${directory}/memory.peak`, reasons.readPeak),
    );
  }
  if (cgroup.controllers.includes('pids')) readings.push(read(`${directory}/pids.events`, reasons.readPids));
  return {
    make,
    watch,
    join: joinCgroups(spec, path, input.host),
    after: [...readings, remove(directory)],
    views: [],
  };
}

/** Without root nobody may filter devices, and nobody needs to: no node can be made that the user could not open before. */
function deviceRules({ spec, host }: Input<CgroupV1 | CgroupV2>): readonly DeviceRule[] {
  const asked = host.rootless === undefined ? (spec.linux.resources?.devices ?? []) : [];
  if (asked.every(({ allow }) => allow)) return asked;
  // Every container gets the usual devices (OCI's "default devices"), whatever a configuration denies; runc's rules say so too.
  const texts = new Set(asked.map(deviceRuleText));
  return [...asked, ...usualDeviceRules.filter((rule) => !texts.has(deviceRuleText(rule)))];
}

function limitStep(write: LimitWrite, directory: string): Operation {
  const { file, value, why, tolerate } = write;
  return { op: 'write', path: `${directory}/${file}`, data: text(value), why, ...(tolerate && { tolerate }) };
}

/** The cgroups whose children get controllers for a container at `path`; '' is the root. */
export function handedDownFrom(path: string, delegated: string | undefined): string[] {
  const all = ['', ...ancestorsOf(path)];
  const first = delegated === undefined ? 0 : all.indexOf(delegated);
  return first < 0 ? all : all.slice(first);
}

/** Controllers of v2 that limit or measure. */
export const handedDown: ReadonlySet<string> = new Set(['cpu', 'cpuset', 'io', 'memory', 'pids']);
/** One that may fail for want of its file. */
const isPassedOver = ({ tolerate }: LimitWrite): boolean => tolerate?.includes('ENOENT') ?? false;
/** Files named cgroup.* are there without any controller. */
const needsController = (write: LimitWrite): boolean => write.controller !== 'cgroup';

const missingController = (controller: string) =>
  unsupportedSpec('linux.resources', `this machine has no ${controller} controller`);

/** A kernel without the file says nothing until the end. */
function watchMemory(path: string, control: string): Operation {
  return { op: 'watchMemory', path, control, tolerate: ['ENOENT', 'EINVAL'], why: reasons.watchMemory };
}

/** A cgroup that is gone already, or a file that this kernel lacks, does not make the end a failure. */
function read(path: string, why: string): Operation {
  return { op: 'read', path, limit: 4096, tolerate: ['ENOENT', 'EOPNOTSUPP'], why };
}

/** EBUSY: a process is left, as it may be in the host's PID namespace; the engine ends it and removes the cgroup. */
function remove(path: string): Operation {
  return { op: 'rmdir', path, tolerate: ['ENOENT', 'EBUSY'], why: reasons.cgroupRemove };
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
