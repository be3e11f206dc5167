import type { Catalog, StoredImage } from './catalog.ts';
import { childrenOf, findImage, referencesOf, startsId, withoutTag } from './catalog.ts';
import type { RemovedImage, RemoveImageOptions } from './contract.ts';
import { conflict } from './errors.ts';
import { familiar, normalized, parseReference, type Reference, withDefaultTag } from './reference.ts';

/** What `docker rmi NAME` does to the catalog. */
export interface Removal {
  readonly catalog: Catalog;
  readonly untagged: readonly RemovedImage[];
  /** The image, when it goes too, and after it the untagged parents that went with it. */
  readonly deleted: readonly StoredImage[];
}

/**
 * dockerd's rules: a reference is taken away; with the last one the image goes. By id an image goes with all its
 * references if they are of one repository. Child images, containers and several repositories stand in the way; `force`
 * overrides the last two, except for a running container.
 *
 * @throws not-found, conflict
 */
export function planRemoval(catalog: Catalog, nameOrId: string, options: RemoveImageOptions): Removal {
  const image = findImage(catalog, nameOrId);
  return startsId(image.id, nameOrId)
    ? byId(catalog, image, options)
    : byName(catalog, { image, name: nameOrId }, options);
}

/** Drops images that were only kept for containers which are gone by now. */
export function forgetUnused(catalog: Catalog, { usedBy }: Pick<RemoveImageOptions, 'usedBy'>): Catalog {
  const images = [...catalog.images].filter(([id, { hidden }]) => !hidden || usedBy(id).length > 0);
  return { ...catalog, images: new Map(images) };
}

function byName(
  catalog: Catalog,
  { image, name }: { readonly image: StoredImage; readonly name: string },
  options: RemoveImageOptions,
): Removal {
  const before = referencesOf(catalog, image.id);
  const [user] = options.usedBy(image.id);
  if (!options.force && user && isOneName(before)) {
    throw conflict(
      `unable to remove repository reference "${name}" (must force) - container ${short(user.id)} is using its referenced image ${short(image.id)}`,
    );
  }
  const parsed = withDefaultTag(parseReference(name));
  const given = parsed.digest === undefined ? parsed : withoutTag(parsed);
  const gone = [given];
  const rest = before.filter((reference) => normalized(reference) !== normalized(given));
  // Digest references come with a pull: without any tag of their repository they are no use.
  if (given.digest === undefined && !rest.some((other) => sameName(other, given) && other.digest === undefined)) {
    gone.push(...rest.filter((other) => sameName(other, given)));
  }
  const untagged = withoutReferences(catalog, gone);
  if (referencesOf(untagged.catalog, image.id).length > 0 || obstacle(untagged.catalog, image, options))
    return untagged;
  return withoutImage(untagged, image, options);
}

function byId(catalog: Catalog, image: StoredImage, options: RemoveImageOptions): Removal {
  const references = referencesOf(catalog, image.id);
  const reason =
    obstacle(catalog, image, options) ??
    (!options.force && !isOneName(references)
      ? '(must be forced) - image is referenced in multiple repositories'
      : undefined);
  if (reason) throw conflict(`unable to delete ${short(image.id)} ${reason}`);
  return withoutImage(withoutReferences(catalog, references), image, options);
}

/** A child image or a container that keeps the image from being deleted. */
function obstacle(catalog: Catalog, image: StoredImage, { force, usedBy }: RemoveImageOptions): string | undefined {
  if (childrenOf(catalog, image.id).length > 0) return '(cannot be forced) - image has dependent child images';
  const users = usedBy(image.id);
  const running = users.find((user) => user.running);
  if (running) return `(cannot be forced) - image is being used by running container ${short(running.id)}`;
  const [stopped] = users;
  if (stopped && !force) return `(must be forced) - image is being used by stopped container ${short(stopped.id)}`;
  return undefined;
}

function withoutReferences(catalog: Catalog, gone: readonly Reference[]): Removal {
  const references = new Map(catalog.references);
  for (const reference of gone) references.delete(normalized(reference));
  return {
    catalog: { ...catalog, references },
    untagged: gone.map((reference) => ({ Untagged: familiar(reference) })),
    deleted: [],
  };
}

function withoutImage(removal: Removal, image: StoredImage, options: RemoveImageOptions): Removal {
  const deleted = [image];
  let catalog = forgotten(removal.catalog, image, options);
  // Parents without a name were only kept for their children; quietly, and never by force.
  for (let next = image.parent; options.prune !== false && next !== undefined; ) {
    const parent = catalog.images.get(next);
    if (!parent || parent.hidden || referencesOf(catalog, parent.id).length > 0) break;
    if (obstacle(catalog, parent, { ...options, force: false })) break;
    catalog = forgotten(catalog, parent, options);
    deleted.push(parent);
    next = parent.parent;
  }
  return { ...removal, catalog, deleted };
}

/** A stopped container still needs the layers of its image: it stays, out of sight. */
function forgotten(catalog: Catalog, image: StoredImage, { usedBy }: RemoveImageOptions): Catalog {
  const images = new Map(catalog.images);
  if (usedBy(image.id).length > 0) images.set(image.id, { ...image, hidden: true });
  else images.delete(image.id);
  return { ...catalog, images };
}

/** At most one tag, and everything of one repository. */
function isOneName(references: readonly Reference[]): boolean {
  const [first] = references;
  if (references.length <= 1 || !first) return true;
  const tags = references.filter(({ digest }) => digest === undefined);
  return tags.length <= 1 && references.every((reference) => sameName(reference, first));
}

const sameName = (left: Reference, right: Reference): boolean =>
  left.domain === right.domain && left.path === right.path;

/** As Docker shortens ids in messages. */
const short = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);
