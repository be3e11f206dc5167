import * as v from 'valibot';
import { l10n } from 'vscode';
import type { ChangeRow, LayerView, MergedEntry } from '../../protocol/layers.ts';
import { checked } from '../checked.ts';
import { type Fleet, findEngine, findHost, type ObjectRef } from '../fleet.ts';
import { isOnlyTouched, type Layers } from '../layers/layers.ts';
import { explain } from '../problems.ts';
import type { FactNode, ImageNode, ImagesNode, InImageNode } from './image-nodes.ts';

/** Rows of one question: what an agent gives at most. */
const limit = 10_000;

const strings = v.nullish(v.array(v.string()));
const ConfigSchema = v.object({
  Architecture: v.optional(v.string(), ''),
  Os: v.optional(v.string(), ''),
  Config: v.nullish(
    v.object({
      Entrypoint: strings,
      Cmd: strings,
      Env: strings,
      User: v.nullish(v.string()),
      WorkingDir: v.nullish(v.string()),
      ExposedPorts: v.nullish(v.record(v.string(), v.unknown())),
      Volumes: v.nullish(v.record(v.string(), v.unknown())),
      Labels: v.nullish(v.record(v.string(), v.string())),
      StopSignal: v.nullish(v.string()),
    }),
  ),
});

/** Reads what is below a row of an image, one level at a time. */
export class ImageInsides {
  readonly #fleet: Fleet;
  readonly #layers: Layers;

  constructor(fleet: Fleet, layers: Layers) {
    this.#fleet = fleet;
    this.#layers = layers;
  }

  /** What cannot be read shows as a row that says why; the rest of the tree stays usable. */
  async below(parent: ImageNode | InImageNode): Promise<InImageNode[]> {
    try {
      const nodes = await this.#read(parent);
      const words = nodes.length > 0 ? undefined : nothingBelow(parent);
      return words === undefined ? nodes : [{ type: 'note', id: idOf(parent), text: words, failed: false }];
    } catch (failure) {
      return [{ type: 'note', id: idOf(parent), text: explain(failure), failed: true }];
    }
  }

  async #read(parent: ImageNode | InImageNode): Promise<InImageNode[]> {
    switch (parent.type) {
      case 'image':
        return await this.#ofImage(parent.ref);
      case 'layer':
        return await this.#changes(parent, '');
      case 'file':
        return await this.#changes(parent, parent.row.path);
      case 'merged':
        return await this.#files(parent.image, parent.entry.path);
      case 'part':
        if (parent.part === 'files') return await this.#files(parent.image, '');
        if (parent.part === 'containers') return this.#containers(parent.image);
        return await this.#configuration(parent.image);
      case 'fact':
      case 'made':
      case 'note':
        return [];
    }
  }

  async #ofImage(image: ObjectRef): Promise<InImageNode[]> {
    const part = (name: 'files' | 'configuration' | 'containers') => ({ type: 'part' as const, image, part: name });
    const made = this.#containers(image).length > 0 ? [part('containers')] : [];
    const inside = await this.#ofLayers(image);
    return [...inside, ...(inside[0]?.type === 'note' ? [] : [part('files')]), part('configuration'), ...made];
  }

  /** Where they cannot be read, a row that says why: what else is known of the image is no less true. */
  async #ofLayers(image: ObjectRef): Promise<InImageNode[]> {
    try {
      return (await this.#layers.of(image)).map((layer) => ({ type: 'layer', image, layer }));
    } catch (failure) {
      return [{ type: 'note', id: idOf({ type: 'image', ref: image }), text: explain(failure), failed: true }];
    }
  }

  async #changes(of: { image: ObjectRef; layer: LayerView }, path: string): Promise<InImageNode[]> {
    const { image, layer } = of;
    const rows: ChangeRow[] = [];
    for (let more = true; more; ) {
      const page = await this.#layers.directory(image, layer.position, { path, after: rows.at(-1)?.name ?? '', limit });
      rows.push(...page.rows);
      more = page.more && page.rows.length > 0;
    }
    const shown = rows.filter((row) => !isOnlyTouched(row));
    return directoriesFirst(shown, (row) => isDirectory(row)).map((row) => ({ type: 'file', image, layer, row }));
  }

  async #files(image: ObjectRef, path: string): Promise<InImageNode[]> {
    const entries: MergedEntry[] = [];
    for (let more = true; more; ) {
      const last = entries.at(-1)?.path ?? '';
      const page = await this.#layers.merged(image, { path, after: last.slice(last.lastIndexOf('/') + 1), limit });
      entries.push(...page);
      more = page.length === limit;
    }
    const sorted = directoriesFirst(entries, ({ type }) => type === 'directory');
    return sorted.map((entry) => ({ type: 'merged', image, entry }));
  }

  #containers(image: ObjectRef): InImageNode[] {
    const all = findEngine(this.#fleet, image)?.containers ?? [];
    return all
      .filter(({ imageId }) => imageId === image.id)
      .map(({ host, engine, id }) => ({ type: 'made', image, container: { host, engine, id } }));
  }

  async #configuration(image: ObjectRef): Promise<FactNode[]> {
    const docker = findHost(this.#fleet, image.host)?.host.engine(image.engine);
    const { Architecture, Os, Config } = checked(ConfigSchema, await docker?.getImage(image.id).inspect());
    const facts: readonly (readonly [string, string | null | undefined])[] = [
      [l10n.t('Platform'), [Os, Architecture].filter(Boolean).join('/')],
      [l10n.t('Entrypoint'), words(Config?.Entrypoint)],
      [l10n.t('Command'), words(Config?.Cmd)],
      [l10n.t('User'), Config?.User],
      [l10n.t('Working directory'), Config?.WorkingDir],
      [l10n.t('Stop signal'), Config?.StopSignal],
      [l10n.t('Ports'), Object.keys(Config?.ExposedPorts ?? {}).join(', ')],
      [l10n.t('Volumes'), Object.keys(Config?.Volumes ?? {}).join(', ')],
      ...(Config?.Env ?? []).map((line) => assignment(line)),
      ...Object.entries(Config?.Labels ?? {}),
    ];
    return facts.flatMap(([name, value], at) =>
      value ? [{ type: 'fact', image, id: `${at}/${name}`, name, value }] : [],
    );
  }
}

export function isDirectory({ change, below }: ChangeRow): boolean {
  const entry = change?.after ?? change?.before;
  return below.added + below.modified + below.deleted > 0 || entry === undefined || entry.type === 'directory';
}

function nothingBelow(parent: ImagesNode): string | undefined {
  if (parent.type === 'layer') return l10n.t('This layer changes no files');
  if (parent.type === 'merged' || parent.type === 'file') return l10n.t('This directory is empty');
  return parent.type === 'part' ? l10n.t('There is nothing') : undefined;
}

function idOf(node: ImageNode | InImageNode): string {
  switch (node.type) {
    case 'image':
      return `${node.ref.host}/${node.ref.engine}/${node.ref.id}`;
    case 'note':
      return node.id;
    default: {
      const { host, engine, id } = node.image;
      const own =
        node.type === 'layer'
          ? node.layer.position
          : node.type === 'file'
            ? `${node.layer.position}/${node.row.path}`
            : node.type === 'merged'
              ? node.entry.path
              : node.type === 'part'
                ? node.part
                : '';
      return `${host}/${engine}/${id}/${node.type}/${own}`;
    }
  }
}

function directoriesFirst<T>(rows: readonly T[], isOne: (row: T) => boolean): readonly T[] {
  return rows.toSorted((a, b) => Number(isOne(b)) - Number(isOne(a)));
}

const words = (list: readonly string[] | null | undefined): string =>
  (list ?? []).map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');

function assignment(line: string): readonly [string, string] {
  const at = line.indexOf('=');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}
