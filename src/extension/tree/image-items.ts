import { l10n, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import { formatMode, formatSize } from '../../base/units.ts';
import { type Fleet, findContainer, findImage, imageName, keyOf, shortId } from '../fleet.ts';
import { cleanInstruction } from '../instruction.ts';
import { containerLook } from './appearance.ts';
import { changeItem } from './change-item.ts';
import { contextValue } from './context-value.ts';
import { changeUri } from './decorations.ts';
import type {
  FactNode,
  ImageNode,
  ImagePartNode,
  InImageNode,
  LayerNode,
  MadeNode,
  MergedNode,
} from './image-nodes.ts';
import { noteItem } from './note-item.ts';

const { None, Collapsed } = TreeItemCollapsibleState;

export function imageItem(fleet: Fleet, { ref }: ImageNode): TreeItem {
  const image = findImage(fleet, ref);
  const item = new TreeItem(image ? imageName(image) : shortId(ref.id), Collapsed);
  item.id = `image:${keyOf(ref)}`;
  item.iconPath = new ThemeIcon('package');
  item.contextValue = contextValue('image', image && image.tags.length > 0 ? 'tagged' : 'dangling', ref.engine);
  if (!image) return item;
  item.description = formatSize(image.size);
  item.accessibilityInformation = { label: `${item.label}, ${item.description}` };
  item.tooltip = [
    image.tags.join('\n') || l10n.t('no name'),
    image.id,
    formatSize(image.size),
    l10n.t('Created {0}', new Date(image.created * 1000).toLocaleString()),
  ].join('\n');
  return item;
}

/** A row below an image. */
export function inImageItem(fleet: Fleet, node: InImageNode): TreeItem {
  switch (node.type) {
    case 'layer':
      return layerItem(node);
    case 'file':
      return changeItem(node);
    case 'part':
      return partItem(node);
    case 'merged':
      return mergedItem(node);
    case 'fact':
      return factItem(node);
    case 'made':
      return madeItem(fleet, node);
    case 'note':
      return noteItem(node);
  }
}

function layerItem({ image, layer }: LayerNode): TreeItem {
  const instruction = cleanInstruction(layer.instruction) || layer.comment || l10n.t('Layer {0}', layer.position + 1);
  const item = new TreeItem(instruction, Collapsed);
  item.id = `layer:${keyOf(image)}/${layer.position}`;
  item.description = formatSize(layer.size);
  item.iconPath = new ThemeIcon('layers');
  item.contextValue = contextValue('layer', 'stored', image.engine);
  item.accessibilityInformation = {
    label: `${l10n.t('Layer {0}', layer.position + 1)}, ${instruction}, ${item.description}`,
  };
  item.tooltip = [
    instruction,
    l10n.t('Layer {0}', layer.position + 1),
    layer.diffId,
    l10n.t('{0} in files, {1} stored', formatSize(layer.size), formatSize(layer.blobSize)),
    l10n.t('Entries: {0}, deletions: {1}', layer.counts.entries, layer.counts.whiteouts),
    ...(layer.sharedBy.length > 0 ? [l10n.t('Shared with {0} other images', layer.sharedBy.length)] : []),
  ].join('\n');
  return item;
}

function partItem({ image, part }: ImagePartNode): TreeItem {
  const looks = {
    files: [l10n.t('Files'), 'folder-library'],
    configuration: [l10n.t('Configuration'), 'settings'],
    containers: [l10n.t('Containers made from it'), 'server-environment'],
  } as const;
  const [label, icon] = looks[part];
  const item = new TreeItem(label, Collapsed);
  item.id = `part:${keyOf(image)}/${part}`;
  item.iconPath = new ThemeIcon(icon);
  item.contextValue = contextValue('part', part, image.engine);
  item.accessibilityInformation = { label };
  return item;
}

function mergedItem(node: MergedNode): TreeItem {
  const { image, entry } = node;
  const isDirectory = entry.type === 'directory';
  const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
  const item = new TreeItem(name, isDirectory ? Collapsed : None);
  item.id = `merged:${keyOf(image)}/${entry.path}`;
  item.resourceUri = changeUri(entry.path, undefined);
  item.iconPath = isDirectory
    ? ThemeIcon.Folder
    : entry.type === 'symlink'
      ? new ThemeIcon('file-symlink-file')
      : ThemeIcon.File;
  item.contextValue = contextValue('file', isDirectory ? 'directory' : 'merged', image.engine);
  if (entry.type === 'symlink') item.description = `→ ${entry.link ?? ''}`;
  else if (entry.type === 'file') item.description = formatSize(entry.size);
  else if (!isDirectory) item.description = entry.type;
  item.tooltip = [
    `/${entry.path}`,
    `${entry.type} ${formatMode(entry.mode)} ${entry.uid}:${entry.gid}`,
    new Date(entry.mtime * 1000).toLocaleString(),
    l10n.t('From layer {0}', entry.layer + 1),
  ].join('\n');
  item.accessibilityInformation = { label: [name, item.description].filter(Boolean).join(', ') };
  if (!isDirectory) item.command = { command: 'porthole.file.open', title: l10n.t('Open'), arguments: [node] };
  return item;
}

function factItem({ image, id, name, value }: FactNode): TreeItem {
  const item = new TreeItem(name, None);
  item.id = `fact:${keyOf(image)}/${id}`;
  item.description = value;
  item.tooltip = `${name}: ${value}`;
  item.accessibilityInformation = { label: `${name}: ${value}` };
  item.iconPath = new ThemeIcon('symbol-property');
  item.contextValue = contextValue('fact', 'set', image.engine);
  return item;
}

function madeItem(fleet: Fleet, { image, container: ref }: MadeNode): TreeItem {
  const container = findContainer(fleet, ref);
  const item = new TreeItem(container?.name ?? shortId(ref.id), None);
  item.id = `made:${keyOf(image)}/${keyOf(ref)}`;
  item.contextValue = contextValue('made', container?.state ?? 'gone', ref.engine);
  if (!container) return item;
  const { icon, words } = containerLook(container);
  item.iconPath = icon;
  item.description = words;
  item.accessibilityInformation = { label: `${container.name}, ${words}` };
  return item;
}
