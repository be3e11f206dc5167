import { lookup } from 'node:dns/promises';
import { messageOf } from '../../base/errors.ts';
import { MNT_DETACH, mountFlags } from '../plan/flags.ts';
import { parseMountOptions } from '../plan/mount-options.ts';
import { setPropagation } from '../plan/mounts.ts';
import type { Operation } from '../plan/operations.ts';
import type { Shims } from '../shim/contract.ts';
import { errnoMeaning } from '../shim/errno.ts';
import { PlanFailed } from '../shim/errors.ts';
import { readMounts } from '../sys/proc.ts';
import { cannotMount } from './errors.ts';
import { addressToResolve, type VolumeMount } from './options.ts';

const why = 'The volume’s device is mounted where its files are expected.';

/** Mounts what a volume's options name at its directory, in the agent's own mount namespace. @throws internal in dockerd's words. */
export async function mountVolume(shims: Shims, mount: VolumeMount, target: string): Promise<void> {
  let asked: VolumeMount = mount;
  try {
    asked = await resolved(mount);
    await carryOut(shims, mountOperations(asked, target));
  } catch (failure) {
    // Mounted, but not as it was asked for.
    if (failure instanceof PlanFailed && failure.step.id > 0) await unmountVolume(shims, target).catch(() => undefined);
    throw cannotMount(target, reason(failure, asked, target), failure);
  }
}

/** Nobody may be kept from using it elsewhere: it is detached, and goes when the last one lets go of it. */
export async function unmountVolume(shims: Shims, target: string): Promise<void> {
  await carryOut(shims, [{ op: 'umount', target, flags: MNT_DETACH, tolerate: ['EINVAL'], why }]);
}

/** Which of the directories have something mounted on them. */
export async function mountedOf(targets: ReadonlySet<string>): Promise<Set<string>> {
  return new Set((await readMounts('self')).map(({ target }) => target).filter((target) => targets.has(target)));
}

async function carryOut(shims: Shims, operations: readonly Operation[]): Promise<void> {
  const executor = shims.execute();
  try {
    await executor.run({ operations });
    await executor.close();
  } catch (failure) {
    executor.abort();
    throw failure;
  }
}

/** mount(2) binds, makes read-only and sets propagation in calls of their own. */
function mountOperations(mount: VolumeMount, target: string): Operation[] {
  const { flags, propagation, data, isBind } = meaningOf(mount);
  const { MS_RDONLY, MS_REMOUNT } = mountFlags;
  const operations: Operation[] = [{ op: 'mount', target, source: mount.device, type: mount.type, flags, data, why }];
  if (propagation) operations.push(setPropagation(target, propagation, why));
  if (isBind && (flags & MS_RDONLY) !== 0n) {
    operations.push({ op: 'mount', target, source: 'none', type: 'none', flags: flags | MS_REMOUNT, data: '', why });
  }
  return operations;
}

function meaningOf(mount: VolumeMount) {
  const { MS_BIND, MS_REC } = mountFlags;
  // Of type none, so that only the options say whether it is a bind.
  const parsed = parseMountOptions({ destination: 'the volume', type: 'none', options: mount.options });
  const bind = parsed.bind === 'no' ? 0n : parsed.bind === 'one' ? MS_BIND : MS_BIND | MS_REC;
  return { ...parsed, flags: parsed.flags | bind, isBind: bind !== 0n };
}

/** mount(2) wants an address where mount.nfs(8) takes a name. */
async function resolved(mount: VolumeMount): Promise<VolumeMount> {
  const host = addressToResolve(mount);
  if (host === undefined) return mount;
  const { address } = await lookup(host).catch((cause: unknown) => {
    throw new Error(`error resolving passed in network volume address: ${messageOf(cause)}`, { cause });
  });
  return {
    ...mount,
    options: mount.options.map((option) => (option === `addr=${host}` ? `addr=${address}` : option)),
  };
}

function reason(failure: unknown, mount: VolumeMount, target: string): string {
  if (!(failure instanceof PlanFailed)) return messageOf(failure);
  const { flags, data } = meaningOf(mount);
  const { device } = mount;
  const what = device === '' || device === 'none' ? target : `${device}:${target}`;
  const asked = `mount ${what}${flags === 0n ? '' : `, flags: 0x${flags.toString(16)}`}${data === '' ? '' : `, data: ${hidden(data)}`}`;
  return `failed to mount local volume: ${asked}: ${errnoMeaning(failure.errno)}`;
}

const hidden = (data: string): string => data.replace(/password=[^,]*/, 'password=********');
