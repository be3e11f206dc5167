import * as v from 'valibot';
import type { EngineKind } from '../hosts/contract.ts';

/** Files of containers and volumes, with directories and writable where the engine lets them be. */
export const filesScheme = 'porthole-files';

/** Whose files: the id of a container, or the name of a volume. */
export interface FilesOf {
  readonly kind: 'container' | 'volume';
  readonly host: string;
  readonly engine: EngineKind;
  readonly id: string;
}

const Owner = v.tuple([
  v.picklist(['container', 'volume']),
  v.picklist(['porthole', 'docker', 'podman']),
  v.string(),
  v.string(),
]);

/**
 * The parts of a URI; `Uri.from` takes them as they are. Names go into the authority as hexadecimal digits: VS Code compares
 * authorities without regard to case, and hosts and volumes may be called anything.
 */
export function filesUriParts(of: FilesOf, path: string): { scheme: string; authority: string; path: string } {
  const authority = [of.kind, of.engine, hex(of.host), of.kind === 'container' ? of.id : hex(of.id)].join('.');
  return { scheme: filesScheme, authority, path: path.startsWith('/') ? path : `/${path}` };
}

/** Undefined for an authority that is not ours. */
export function filesOf(authority: string): FilesOf | undefined {
  const owner = v.safeParse(Owner, authority.split('.'));
  if (!owner.success) return undefined;
  const [kind, engine, host, id] = owner.output;
  return { kind, engine, host: fromHex(host), id: kind === 'container' ? id : fromHex(id) };
}

/** Below /porthole/v1. */
export const filesRoute = (of: FilesOf): string =>
  of.kind === 'container' ? `/containers/${of.id}` : `/volumes/${encodeURIComponent(of.id)}`;

const hex = (text: string): string => Buffer.from(text).toString('hex');
const fromHex = (digits: string): string => Buffer.from(digits, 'hex').toString();
