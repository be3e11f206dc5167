import { PortholeError } from '../../base/errors.ts';
import type { HostConfig } from '../../protocol/docker.ts';
import type { UsernsInfo } from '../../protocol/porthole.ts';
import type { IdMappings } from '../oci/id-mappings.ts';
import type { IdMapping, NamespaceType } from '../oci/runtime.ts';
import type { HostFacts } from '../plan/facts.ts';
import { accountOf, grantedRanges, type IdRange, rangesForRemap, rangesOf } from '../sys/subordinate-ids.ts';
import type { Engine } from './engine.ts';
import { conflict, invalid } from './errors.ts';
import { partnerOf } from './modes.ts';

/** What the engine was told about user namespaces. */
export interface Userns {
  /** Of containers that ask for nothing: none, one range for all of them, or a range for each. */
  readonly usual: 'host' | 'auto' | IdMappings;
  /** Where ranges of containers of their own come from. */
  readonly pool: { readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] };
  /** Ranges of containers that are being created and have no record yet. */
  readonly reserved: Set<IdMappings>;
}

/** Ids of a container with a range of its own. */
const rangeSize = 65_536;
/** Owners whose ranges in /etc/subuid and /etc/subgid are the pool; the second is Podman's name for the same thing. */
const poolOwners = ['porthole', 'containers'];
/** Without such a line: systemd's range for container managers (systemd.io/UIDS-GIDS), less what subuid(5) gives to others. */
const pooledIds: IdRange = { start: 524_288, size: 1_878_523_904 };

/**
 * @param asked the value of `--userns-remap`; '' for none.
 * @throws not-found when the host has no such account or range.
 */
export async function readUserns(asked: string, host: Pick<HostFacts, 'rootless'>): Promise<Userns> {
  if (asked !== '' && host.rootless !== undefined) throw withoutRoot();
  const [uids, gids] = await Promise.all([poolOf('uid'), poolOf('gid')]);
  const common = { pool: { uids, gids }, reserved: new Set<IdMappings>() };
  if (asked === '') return { usual: 'host', ...common };
  if (asked === 'auto') return { usual: 'auto', ...common };
  const ranges = await rangesForRemap(asked);
  return { usual: { uids: joined(ranges.uids), gids: joined(ranges.gids) }, ...common };
}

/** For `/porthole/v1/info`. */
export function usernsInfo({ usual }: Userns, rootless: IdMappings | undefined): UsernsInfo {
  const own = rootless ?? (typeof usual === 'string' ? undefined : usual);
  const view = ({ containerID, hostID, size }: IdMapping) => ({ inside: containerID, outside: hostID, size });
  return {
    containers: typeof usual === 'string' ? usual : 'remapped',
    ...(own && { uids: own.uids.map(view), gids: own.gids.map(view) }),
  };
}

async function poolOf(kind: 'uid' | 'gid'): Promise<IdRange[]> {
  for (const name of poolOwners) {
    const account = await accountOf(kind, name);
    const granted = await rangesOf(kind, account ?? { name, id: Number.NaN });
    if (granted.length > 0) return granted;
  }
  let free: IdRange[] = [pooledIds];
  for (const taken of await grantedRanges(kind)) free = free.flatMap((range) => without(range, taken));
  return free;
}

/** Ranges one after another, as dockerd joins them: the first id of the first is root. */
function joined(ranges: readonly IdRange[]): IdMapping[] {
  let containerID = 0;
  return ranges.map(({ start, size }) => {
    const mapping = { containerID, hostID: start, size };
    containerID += size;
    return mapping;
  });
}

/**
 * The ids of a container that is being created; undefined: the engine's own. A range of its own stays reserved until
 * `release` is called, which is when a record holds it.
 * @throws invalid in dockerd's words for what cannot be together.
 */
export function takeMappings(
  engine: Engine,
  hostConfig: HostConfig,
): { readonly mappings: IdMappings | undefined; release(): void } {
  const { userns } = engine;
  const chosen = userns && modeOf(userns, hostConfig);
  if (userns === undefined || chosen === undefined || chosen === 'host') return { mappings: undefined, release() {} };
  checkTogether(hostConfig);
  const partner = sharedPartner(hostConfig);
  if (partner !== undefined) return { mappings: engine.registry.find(partner.name).record.idMappings, release() {} };
  if (chosen !== 'auto') return { mappings: chosen, release() {} };
  const taken = [...engine.registry.all().flatMap(({ record }) => record.idMappings ?? []), ...userns.reserved];
  const mappings = {
    uids: [
      freeRange(
        userns.pool.uids,
        taken.flatMap(({ uids }) => uids),
      ),
    ],
    gids: [
      freeRange(
        userns.pool.gids,
        taken.flatMap(({ gids }) => gids),
      ),
    ],
  };
  userns.reserved.add(mappings);
  return { mappings, release: () => void userns.reserved.delete(mappings) };
}

/** Docker knows '' and 'host'; 'private' and 'auto' are Podman's words. */
function modeOf(userns: Userns, { UsernsMode: mode = '' }: HostConfig): 'host' | 'auto' | IdMappings {
  if (mode === '') return userns.usual;
  if (mode === 'host' || mode === 'auto') return mode;
  if (mode !== 'private') throw invalid('invalid userns mode');
  return userns.usual === 'host' ? 'auto' : userns.usual;
}

/** A container whose namespaces are shared: whoever is in one of them must be in its user namespace too. */
export function sharedPartner(hostConfig: HostConfig): { name: string; type: NamespaceType } | undefined {
  const modes = { network: hostConfig.NetworkMode, ipc: hostConfig.IpcMode, pid: hostConfig.PidMode } as const;
  for (const type of ['network', 'ipc', 'pid'] as const) {
    const name = partnerOf(modes[type]);
    if (name) return { name, type };
  }
  return undefined;
}

function checkTogether({ Privileged, NetworkMode, PidMode }: HostConfig): void {
  if (Privileged) {
    throw invalid(
      'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode',
    );
  }
  if (NetworkMode === 'host') {
    throw invalid("cannot share the host's network namespace when user namespaces are enabled");
  }
  if (PidMode === 'host') throw invalid('cannot share the host PID namespace when user namespaces are enabled');
}

function freeRange(pool: readonly IdRange[], taken: readonly IdMapping[]): IdMapping {
  for (const { start, size } of pool) {
    for (let hostID = start; hostID + rangeSize <= start + size; ) {
      const [from, to] = [hostID, hostID + rangeSize];
      const inTheWay = taken.find((one) => one.hostID < to && from < one.hostID + one.size);
      if (inTheWay === undefined) return { containerID: 0, hostID, size: rangeSize };
      hostID = inTheWay.hostID + inTheWay.size;
    }
  }
  throw poolIsEmpty();
}

function without(range: IdRange, taken: IdRange): IdRange[] {
  const end = range.start + range.size;
  const takenEnd = taken.start + taken.size;
  if (taken.start >= end || takenEnd <= range.start) return [range];
  return [
    { start: range.start, size: taken.start - range.start },
    { start: takenEnd, size: end - takenEnd },
  ].filter(({ size }) => size > 0);
}

const poolIsEmpty = () =>
  conflict('every range of ids for containers is in use: give more to "containers" in /etc/subuid and /etc/subgid');
const withoutRoot = () =>
  new PortholeError('unsupported', '--userns-remap needs root: without it all containers have the ids of the user');
