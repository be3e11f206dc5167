import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, PortholeError } from '../../base/errors.ts';
import type { HostConfig } from '../../protocol/docker.ts';
import type { Device, DeviceRule } from '../oci/runtime.ts';
import type { HostFacts } from '../plan/facts.ts';
import { deviceNumbers } from '../sys/files.ts';
import { invalid } from './errors.ts';

export interface WantedDevices {
  readonly nodes: readonly Device[];
  readonly rules: readonly DeviceRule[];
}

/** Directories of /dev that hold no devices of their own, or that a container gets its own of. */
const passedOver = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev']);

/** The nodes and rules of `--device`, `--device-cgroup-rule` and, for a privileged container, of everything in the host's /dev. */
export async function wantedDevices(config: HostConfig, host: Pick<HostFacts, 'rootless'>): Promise<WantedDevices> {
  const nodes: Device[] = [];
  const rules: DeviceRule[] = [];
  // What root lets nobody else open is of no use inside, and each would be a mount.
  if (config.Privileged && host.rootless === undefined) nodes.push(...(await nodesBelow('/dev', '/dev')));
  for (const { PathOnHost: source, PathInContainer: target, CgroupPermissions: access } of config.Devices ?? []) {
    const found = await nodesAt(source, target || source);
    // Letters that mean nothing are passed over, as runc does it; without one that does it fails.
    const rights = [...'rwm'].filter((right) => access.includes(right)).join('');
    if (rights === '') throw noRights(source);
    nodes.push(...found);
    rules.push(...found.map(({ type, major, minor }) => rule({ type, major, minor, access: rights })));
  }
  for (const text of config.DeviceCgroupRules ?? []) rules.push(parseRule(text));
  return { nodes, rules };
}

async function nodesAt(source: string, target: string): Promise<Device[]> {
  try {
    const status = await stat(source);
    const node = asNode(status, target);
    const found = node ? [node] : status.isDirectory() ? await nodesBelow(source, target) : [];
    if (found.length > 0) return found;
  } catch (cause) {
    const why = errnoOf(cause) === 'ENOENT' ? 'no such file or directory' : String(cause);
    throw invalid(`error gathering device information while adding custom device "${source}": ${why}`);
  }
  throw invalid(`error gathering device information while adding custom device "${source}": not a device node`);
}

const noRights = (source: string) =>
  new PortholeError('internal', `device ${source}: its permissions hold none of r, w and m`);

/** What a container has of its own: a terminal is bound over /dev/console, and /dev/ptmx leads to its own devpts. */
const nodesOfOurs = new Set(['console', 'ptmx']);

async function nodesBelow(source: string, target: string): Promise<Device[]> {
  const found: Device[] = [];
  for (const entry of await readdir(source, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      if (!passedOver.has(entry.name)) {
        found.push(...(await nodesBelow(join(source, entry.name), join(target, entry.name))));
      }
    } else if ((entry.isCharacterDevice() || entry.isBlockDevice()) && !nodesOfOurs.has(entry.name)) {
      const node = asNode(await stat(join(source, entry.name)), join(target, entry.name));
      if (node) found.push(node);
    }
  }
  return found;
}

function asNode(
  status: {
    isCharacterDevice(): boolean;
    isBlockDevice(): boolean;
    rdev: number;
    mode: number;
    uid: number;
    gid: number;
  },
  path: string,
): Device | undefined {
  if (!status.isCharacterDevice() && !status.isBlockDevice()) return undefined;
  return {
    type: status.isCharacterDevice() ? 'c' : 'b',
    path,
    ...deviceNumbers(status.rdev),
    fileMode: status.mode & 0o777,
    uid: status.uid,
    gid: status.gid,
  };
}

function parseRule(text: string): DeviceRule {
  const match = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text);
  if (!match) throw invalid(`invalid device cgroup rule format: '${text}'`);
  const [, type, major, minor, access = ''] = match;
  const number = (value: string | undefined) => (value === '*' ? undefined : Number(value));
  return rule({ type: type === 'a' || type === 'b' ? type : 'c', major: number(major), minor: number(minor), access });
}

function rule(from: {
  type: Device['type'] | 'a';
  major: number | undefined;
  minor: number | undefined;
  access: string;
}): DeviceRule {
  return {
    allow: true,
    type: from.type === 'b' || from.type === 'a' ? from.type : 'c',
    ...(from.major === undefined ? {} : { major: from.major }),
    ...(from.minor === undefined ? {} : { minor: from.minor }),
    access: from.access,
  };
}
