import { messageOf } from '../../base/errors.ts';
import { delegatedCgroup } from './delegation.ts';
import { lingers } from './linger.ts';
import { noUserManager, type UnitOwner } from './owner.ts';
import { hasSystemd } from './systemd.ts';

/** The cgroup that a user's manager leaves to the agent, or why it does not, in words for the user. */
export type UserDelegation = { readonly cgroup: string } | { readonly why: string };

/**
 * Asks the user's service manager for a cgroup and moves this process to it.
 *
 * Without lingering, logind ends the manager, and all that is in its cgroups, with the user's last session. A session
 * lasts as long as a process that was started in it; so `keeper`, which lives as long as there are containers, stays where it
 * is, and goes with us only where nobody will end the manager.
 *
 * @param options.cgroup2 where cgroup2 is mounted; undefined on a host with cgroup v1
 */
export async function userDelegation(
  owner: UnitOwner,
  options: {
    readonly dataRoot: string;
    readonly cgroup2: string | undefined;
    readonly keeper: number;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): Promise<UserDelegation> {
  const { dataRoot, cgroup2, keeper, env } = options;
  if (cgroup2 === undefined) {
    return {
      why: 'this host has cgroup v1, of which nothing can be left to ordinary users (on the kernel’s command line: systemd.unified_cgroup_hierarchy=1)',
    };
  }
  if (!(await hasSystemd())) return { why: 'this host has no systemd, which could delegate a cgroup to the user' };
  const why = await noUserManager(env);
  if (why !== undefined) return { why };
  try {
    const pids = (await lingers()) ? [process.pid, keeper] : [process.pid];
    const { containers: unit } = owner.unitNames(dataRoot);
    return { cgroup: await delegatedCgroup(owner.systemd, { unit, mount: cgroup2, pids }) };
  } catch (failure) {
    return { why: `the user’s systemd delegates none: ${messageOf(failure)}` };
  }
}
