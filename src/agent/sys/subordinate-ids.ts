import { PortholeError } from '../../base/errors.ts';
import { readIfThere } from './files.ts';

/** Ids that somebody may hand out, see subuid(5). */
export interface IdRange {
  readonly start: number;
  readonly size: number;
}

/** Lines of subuid(5) and subgid(5): an owner by name or id, and what is his. */
interface Grant extends IdRange {
  readonly owner: string;
}

const files = { uid: '/etc/subuid', gid: '/etc/subgid' } as const;
const accounts = { uid: '/etc/passwd', gid: '/etc/group' } as const;
type Kind = keyof typeof files;

/** Every range of /etc/subuid or /etc/subgid, whoever has it. */
export async function grantedRanges(kind: Kind): Promise<IdRange[]> {
  return parseGrants((await readIfThere(files[kind])) ?? '');
}

/** The ranges of one owner; lines may name him by name or by id. */
export async function rangesOf(kind: Kind, owner: { readonly name: string; readonly id: number }): Promise<IdRange[]> {
  const grants = parseGrants((await readIfThere(files[kind])) ?? '');
  return grants
    .filter((grant) => grant.owner === owner.name || grant.owner === String(owner.id))
    .map(({ start, size }) => ({ start, size }));
}

/** A user or group of the host by name or id; undefined when there is none. */
export async function accountOf(kind: Kind, who: string): Promise<{ name: string; id: number } | undefined> {
  for (const line of ((await readIfThere(accounts[kind])) ?? '').split('\n')) {
    const [name = '', , id = ''] = line.split(':');
    if ((name === who || id === who) && /^\d+$/.test(id)) return { name, id: Number(id) };
  }
  return undefined;
}

/**
 * The ranges that `--userns-remap` names: default | user[:group] | UID[:GID], as dockerd takes it.
 * @throws not-found for an account or a range that is not there, with what would make it.
 */
export async function rangesForRemap(asked: string): Promise<{ uids: IdRange[]; gids: IdRange[] }> {
  const [given = '', groupGiven] = (asked === 'default' ? 'dockremap' : asked).split(':');
  const user = await accountOf('uid', given);
  if (user === undefined) throw noAccount('user', given, asked);
  const group =
    groupGiven === undefined
      ? ((await accountOf('gid', user.name)) ?? { name: user.name, id: user.id })
      : await accountOf('gid', groupGiven);
  if (group === undefined) throw noAccount('group', groupGiven ?? '', asked);
  const [uids, gids] = await Promise.all([rangesOf('uid', user), rangesOf('gid', group)]);
  if (uids.length === 0) throw noRange(files.uid, user.name);
  if (gids.length === 0) throw noRange(files.gid, group.name);
  return { uids, gids };
}

export function parseGrants(text: string): Grant[] {
  return text.split('\n').flatMap((line) => {
    const [owner = '', start = '', size = ''] = line.trim().split(':');
    if (owner === '' || owner.startsWith('#') || !/^\d{1,10}$/.test(start) || !/^\d{1,10}$/.test(size)) return [];
    return [{ owner, start: Number(start), size: Number(size) }];
  });
}

const noAccount = (what: 'user' | 'group', name: string, asked: string) =>
  new PortholeError(
    'not-found',
    `--userns-remap ${asked}: this host has no ${what} ${JSON.stringify(name)}; ` +
      'make one and give it a range in /etc/subuid and /etc/subgid, or use --userns-remap auto',
  );
const noRange = (file: string, name: string) =>
  new PortholeError(
    'not-found',
    `${file} has no range for ${name}; a line such as "${name}:100000:65536" gives it one`,
  );
