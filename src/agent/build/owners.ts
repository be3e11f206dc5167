import { resolveAccount, UnknownAccount } from '../container/accounts.ts';
import type { FileRoot } from '../files/contract.ts';
import { failed } from './errors.ts';

const largest = 1 << 20;

/**
 * What --chown means in the image: names are looked up in its own files.
 * @throws invalid in dockerd's words
 */
export async function ownerIn(root: FileRoot, chown: string): Promise<{ uid: number; gid: number }> {
  const [user = '', group = user, ...more] = chown.split(':');
  const words = 'unable to convert uid/gid chown string to host mapping';
  if (more.length > 0) throw failed(`${words}: invalid chown string format: ${chown}`);
  const nobody = (name: string, kind: 'user' | 'group') =>
    failed(`${words}: can't find ${kind === 'user' ? 'uid' : 'gid'} for ${kind} ${name}: no such ${kind}: ${name}`);
  const id = async (name: string, kind: 'user' | 'group'): Promise<number> => {
    if (/^\d{1,10}$/.test(name)) return Number(name);
    if (name === '') throw nobody(name, kind);
    const files = { passwd: '', group: '', [kind === 'user' ? 'passwd' : 'group']: await text(root, kind) };
    try {
      const account = resolveAccount(kind === 'user' ? name : `0:${name}`, files);
      return kind === 'user' ? account.uid : account.gid;
    } catch (failure) {
      if (!(failure instanceof UnknownAccount)) throw failure;
      throw nobody(name, kind);
    }
  };
  return { uid: await id(user, 'user'), gid: await id(group, 'group') };
}

async function text(root: FileRoot, kind: 'user' | 'group'): Promise<string> {
  const path = await root.resolve(kind === 'user' ? '/etc/passwd' : '/etc/group');
  if ((await root.status(path))?.type !== 'file') return '';
  const { status, pieces } = await root.open(path);
  const found: Buffer[] = [];
  for await (const piece of pieces({ start: 0, end: Math.min(status.size, largest) - 1 })) {
    if (!('hole' in piece)) found.push(piece);
  }
  return Buffer.concat(found).toString('utf8');
}
