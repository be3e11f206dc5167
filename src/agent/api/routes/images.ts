import { isUp } from '../../container/state.ts';
import type { ImageRecord, RemovedImage } from '../../store/contract.ts';
import { familiar, parseReference, withDefaultTag } from '../../store/reference.ts';
import type { Engine } from '../engine.ts';
import { badParameter } from '../errors.ts';
import { Filters } from '../filters.ts';
import { globMatches } from '../glob.ts';
import { announceImage } from '../image-events.ts';
import { imageHistory, imageInspect, imageSummary, isStep, sharedSize } from '../image-json.ts';
import { imageOrNone } from '../image-lookup.ts';
import { momentOf, pruneUntil } from '../moment.ts';
import { type Call, empty, json, type Reply, type Route } from '../route.ts';
import { wellFormed } from '../well-formed.ts';

/** Looking at images, naming and removing them. */
export const imageRoutes: readonly Route[] = [
  { method: 'GET', path: '/images/json', handler: list },
  { method: 'GET', path: '/images/{name*}/json', handler: inspect },
  { method: 'GET', path: '/images/{name*}/history', handler: history },
  { method: 'POST', path: '/images/{name*}/tag', handler: tag },
  { method: 'POST', path: '/images/prune', handler: prune },
  { method: 'DELETE', path: '/images/{name*}', handler: remove },
];

const filterKeys = ['before', 'dangling', 'label', 'reference', 'since', 'until'];

async function list(call: Call): Promise<Reply> {
  const { engine, query, minor } = call;
  await engine.images.refresh();
  const filters = Filters.parse(query.text('filters'), filterKeys);
  const found = chosenImages(engine, filters).filter((image) => query.flag('all') || !isStep(image));
  const isSharedAsked = minor >= 42 && query.flag('shared-size');
  const sharedOf = ({ id }: ImageRecord) => isSharedAsked && { shared: sharedSize(engine.images.layers(id)) };
  return wellFormed(found.map((image) => imageSummary(image, { minor, ...sharedOf(image) })));
}

async function inspect(call: Call): Promise<Reply> {
  await call.engine.images.refresh();
  const image = call.engine.images.get(call.param('name'));
  return wellFormed(imageInspect(image, call.engine.images.rootfs(image.id), call.minor));
}

async function history(call: Call): Promise<Reply> {
  const image = call.engine.images.get(call.param('name'));
  return wellFormed(imageHistory(image, call.engine.images.layers(image.id), parentsOf(call.engine, image)));
}

async function tag(call: Call): Promise<Reply> {
  const { engine, query } = call;
  const reference = referenceOf(query.text('repo'), query.text('tag'));
  if (reference === '') throw badParameter('repository name must have at least one component');
  const { id } = engine.images.get(call.param('name'));
  await engine.images.tag(id, reference);
  announceImage(engine, 'tag', { id, name: familiar(withDefaultTag(parseReference(reference))) });
  return empty(201);
}

async function remove(call: Call): Promise<Reply> {
  const { engine, query } = call;
  const before = engine.images.list();
  const removed = await engine.images.remove(call.param('name'), {
    force: query.flag('force'),
    prune: !query.flag('noprune'),
    usedBy: usersOf(engine),
  });
  announceRemoved(engine, before, removed);
  return json(removed);
}

async function prune(call: Call): Promise<Reply> {
  const { engine, query } = call;
  const filters = Filters.parse(query.text('filters'), ['dangling', 'label', 'label!', 'until']);
  const until = pruneUntil(filters, Date.now());
  const before = engine.images.list();
  const { removed, bytes } = await engine.images.prune({
    // The command adds its own yes to the user's no.
    all: filters.flag('dangling', { both: false }) === false,
    usedBy: usersOf(engine),
    chosen: (image) => {
      const labels = image.config.config?.Labels ?? undefined;
      const isOld = until === undefined || Date.parse(image.created) <= until;
      return isOld && filters.prunes(labels);
    },
  });
  announceRemoved(engine, before, removed);
  engine.events.announce({ type: 'image', action: 'prune', id: '', attributes: { reclaimed: String(bytes) } });
  return json({ ImagesDeleted: removed.length === 0 ? null : removed, SpaceReclaimed: bytes });
}

const usersOf = (engine: Engine) => (imageId: string) =>
  engine.containers
    .list()
    .filter((record) => record.imageId === imageId)
    .map(({ id, state }) => ({ id, running: isUp(state.status) }));

function announceRemoved(engine: Engine, before: readonly ImageRecord[], removed: readonly RemovedImage[]): void {
  for (const one of removed) {
    const name = 'Untagged' in one ? one.Untagged : one.Deleted;
    const image =
      'Untagged' in one
        ? before.find(({ tags, digests }) => tags.includes(name) || digests.includes(name))
        : before.find(({ id }) => id === name);
    // What is none was a layer.
    if (!image) continue;
    // What is gone has no labels any more.
    const labels = 'Untagged' in one ? image.config.config?.Labels : undefined;
    announceImage(engine, 'Untagged' in one ? 'untag' : 'delete', {
      id: image.id,
      name: image.id,
      ...(labels && { labels }),
    });
  }
}

function parentsOf(engine: Engine, image: ImageRecord): ImageRecord[] {
  const found: ImageRecord[] = [];
  for (let next = image.parent; next !== undefined; ) {
    const parent = imageOrNone(engine, next);
    if (!parent) break;
    found.push(parent);
    next = parent.parent;
  }
  return found;
}

/** 'repo:tag' from the two parameters; dockerd lets the tag be part of the first too. */
export function referenceOf(repository: string, tagOrDigest: string): string {
  if (repository === '' || tagOrDigest === '') return repository;
  if (!/^[\w][\w.-]{0,127}$|:/.test(tagOrDigest)) throw badParameter('invalid tag format');
  return `${repository}${tagOrDigest.includes(':') ? '@' : ':'}${tagOrDigest}`;
}

function chosenImages(engine: Engine, filters: Filters): ImageRecord[] {
  const dangling = filters.flag('dangling');
  const before = filters.get('before').map((name) => Date.parse(engine.images.get(name).created));
  const since = filters.get('since').map((name) => Date.parse(engine.images.get(name).created));
  const until = filters.get('until').map((text) => momentOf(text, Date.now()));
  return engine.images.list().flatMap((image) => {
    const created = Date.parse(image.created);
    const isChosen =
      (dangling !== true || image.tags.length === 0) &&
      (dangling !== false || image.tags.length + image.digests.length > 0) &&
      filters.labels(image.config.config?.Labels ?? undefined) &&
      before.every((time) => created < time) &&
      since.every((time) => created > time) &&
      until.every((time) => created <= time);
    if (!isChosen) return [];
    if (!filters.has('reference')) return [image];
    // Of an image with several names, those that match are shown.
    const shown = (name: string): boolean => filters.get('reference').some((pattern) => isReference(pattern, name));
    const [tags, digests] = [image.tags.filter(shown), image.digests.filter(shown)];
    return tags.length + digests.length > 0 ? [{ ...image, tags, digests }] : [];
  });
}

/** A pattern is held against the whole name and against the name without tag or digest. */
function isReference(pattern: string, name: string): boolean {
  const bare = name.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  return globMatches(pattern, name) || globMatches(pattern, bare);
}
