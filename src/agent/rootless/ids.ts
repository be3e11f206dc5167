import { userInfo } from 'node:os';
import type { IdMappings } from '../oci/id-mappings.ts';
import type { IdMapping } from '../oci/runtime.ts';
import { findIdMapper } from '../sys/id-maps.ts';
import { type IdRange, rangesOf } from '../sys/subordinate-ids.ts';

/** How the user namespace of an engine without root is to be mapped. */
export interface RootlessIds {
  readonly mappings: IdMappings;
  /** newuidmap(1) and newgidmap(1), which alone may map more than the user; undefined: only the user is mapped. */
  readonly mappers?: { readonly uid: string; readonly gid: string };
}

/** Root inside is the user; the ids from 1 on are those that /etc/subuid and /etc/subgid give him, where they do. */
export async function chooseIds(user: { readonly uid: number; readonly gid: number }): Promise<RootlessIds> {
  const owner = { name: nameOf(user.uid), id: user.uid };
  const [uid, gid, uids, gids] = await Promise.all([
    findIdMapper('uid'),
    findIdMapper('gid'),
    rangesOf('uid', owner),
    rangesOf('gid', owner),
  ]);
  if (uid === undefined || gid === undefined || uids.length === 0 || gids.length === 0) {
    return { mappings: { uids: behind(user.uid, []), gids: behind(user.gid, []) } };
  }
  return { mappings: { uids: behind(user.uid, uids), gids: behind(user.gid, gids) }, mappers: { uid, gid } };
}

function behind(own: number, ranges: readonly IdRange[]): IdMapping[] {
  const found: IdMapping[] = [{ containerID: 0, hostID: own, size: 1 }];
  let containerID = 1;
  for (const { start, size } of ranges) {
    found.push({ containerID, hostID: start, size });
    containerID += size;
  }
  return found;
}

function nameOf(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    // No line of /etc/passwd: subuid(5) takes the number too.
    return String(uid);
  }
}
