import { formatMode, formatSize } from '../../src/base/units.ts';
import type { LayerChange, LayerEntry, WasteReason } from '../../src/protocol/layers.ts';

export type Translate = (sentence: string, ...values: readonly (string | number)[]) => string;

export function kindWords(kind: LayerChange['kind'], t: Translate): string {
  if (kind === 'added') return t('added');
  return kind === 'deleted' ? t('deleted') : t('modified');
}

export const kindLetters: Readonly<Record<LayerChange['kind'], string>> = { added: 'A', modified: 'M', deleted: 'D' };

export function aspectWords(aspect: NonNullable<LayerChange['differs']>[number], t: Translate): string {
  switch (aspect) {
    case 'type':
      return t('type');
    case 'content':
      return t('content');
    case 'mode':
      return t('mode');
    case 'owner':
      return t('owner');
    case 'time':
      return t('time');
    case 'link':
      return t('link target');
    case 'xattrs':
      return t('extended attributes');
    case 'device':
      return t('device number');
  }
}

export function reasonWords(reason: WasteReason, t: Translate): string {
  switch (reason) {
    case 'deleted':
      return t('deleted');
    case 'opaque':
      return t('its directory was emptied');
    case 'type':
      return t('something of another type took its place');
    case 'content':
      return t('overwritten with other content');
    case 'metadata':
      return t('stored again for other metadata');
    case 'same':
      return t('stored again unchanged');
  }
}

/** Like a line of `ls -l`. */
export function entryWords(entry: LayerEntry, t: Translate): string {
  const { type, link, device, mode, uid, gid, size } = entry;
  const what =
    type === 'symlink'
      ? `→ ${link ?? ''}`
      : type === 'file'
        ? formatSize(size)
        : device
          ? `${device.major}:${device.minor}`
          : '';
  return [typeWords(type, t), formatMode(mode), `${uid}:${gid}`, what].filter(Boolean).join(' · ');
}

function typeWords(type: LayerEntry['type'], t: Translate): string {
  switch (type) {
    case 'file':
      return t('file');
    case 'directory':
      return t('directory');
    case 'symlink':
      return t('symbolic link');
    case 'char':
      return t('character device');
    case 'block':
      return t('block device');
    case 'fifo':
      return t('named pipe');
  }
}
