import { readFile } from 'node:fs/promises';

/** Names that the host has for ids; '' where it has none. */
export interface HostNames {
  user(uid: number): string;
  group(gid: number): string;
}

/** Reads passwd(5) and group(5) of the host. What cannot be read names nobody. */
export async function readHostNames(): Promise<HostNames> {
  const [users, groups] = await Promise.all(['/etc/passwd', '/etc/group'].map(namesOf));
  return { user: (uid) => users?.get(`${uid}`) ?? '', group: (gid) => groups?.get(`${gid}`) ?? '' };
}

/** Both files have the name first and the id third; of several names the first counts. */
async function namesOf(path: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [name = '', , id = ''] = line.split(':');
    if (id !== '' && !found.has(id)) found.set(id, name);
  }
  return found;
}
