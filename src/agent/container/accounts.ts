import type { Process } from '../oci/runtime.ts';

/** passwd(5) and group(5), read as runc reads them: a line that is not understood is passed over. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly home: string;
}

/** As the specification has it. */
export function specUser(account: Account): Process['user'] {
  const { uid, gid, groups } = account;
  return { uid, gid, ...(groups.length > 0 ? { additionalGids: groups } : {}) };
}

export class UnknownAccount extends Error {}

/**
 * Resolves what `--user` takes: '' | name | uid, with an optional ':group' (name or gid).
 * Without a group, the groups that list the user by name come along, also for root.
 * @throws UnknownAccount in Docker's words.
 */
export function resolveAccount(
  user: string,
  files: { readonly passwd: string; readonly group: string; readonly extraGroups?: readonly string[] },
): Account {
  const colon = user.indexOf(':');
  const who = colon < 0 ? user : user.slice(0, colon);
  const groupName = colon < 0 ? '' : user.slice(colon + 1);
  const users = rows(files.passwd).map(([name = '', , uid, gid, , home = '']) => ({
    name,
    uid: whole(uid),
    gid: whole(gid),
    home,
  }));
  const groups = rows(files.group).map(([name = '', , gid, members = '']) => ({
    name,
    gid: whole(gid),
    members: members.split(','),
  }));

  const wanted = whole(who);
  const entry = users.find((each) =>
    who === '' ? each.uid === 0 : each.name === who || (wanted !== undefined && each.uid === wanted),
  );
  if (!entry && isOutOfRange(who)) throw outOfRange();
  if (!entry && who !== '' && wanted === undefined) {
    throw new UnknownAccount(`unable to find user ${who}: no matching entries in passwd file`);
  }
  const groupByName = (name: string): number => {
    const found = groups.find((each) => each.name === name)?.gid ?? whole(name);
    if (isOutOfRange(name) && found === whole(name)) throw outOfRange();
    if (found === undefined)
      throw new UnknownAccount(`unable to find group ${name}: no matching entries in group file`);
    return found;
  };
  const supplementary = new Set<number>();
  if (groupName === '' && entry) {
    for (const each of groups) {
      if (each.gid !== undefined && each.members.includes(entry.name)) supplementary.add(each.gid);
    }
  }
  for (const name of files.extraGroups ?? []) supplementary.add(groupByName(name));
  const gid = groupName === '' ? (entry?.gid ?? 0) : groupByName(groupName);
  return {
    uid: entry?.uid ?? wanted ?? 0,
    gid,
    // The primary group is in the list too: without it, giving up a group would gain rights (CVE-2022-2989).
    groups: [...new Set([gid, ...supplementary])],
    home: entry?.home || '/',
  };
}

/** runc takes no larger ids from a client, though files may hold them. */
const isOutOfRange = (id: string): boolean => /^-?\d+$/.test(id) && (id.startsWith('-') || Number(id) > 0x7fffffff);

const outOfRange = () => new UnknownAccount(`uids and gids must be in range 0-${0x7fffffff}`);

function rows(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

function whole(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value < 0xffffffff ? value : undefined;
}
