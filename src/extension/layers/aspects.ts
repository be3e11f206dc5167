import { l10n } from 'vscode';
import type { LayerChange } from '../../protocol/layers.ts';

/** What of an entry differs, in the user's language. */
export function aspectWords(aspect: NonNullable<LayerChange['differs']>[number]): string {
  switch (aspect) {
    case 'type':
      return l10n.t('type');
    case 'content':
      return l10n.t('content');
    case 'mode':
      return l10n.t('mode');
    case 'owner':
      return l10n.t('owner');
    case 'time':
      return l10n.t('time');
    case 'link':
      return l10n.t('link target');
    case 'xattrs':
      return l10n.t('extended attributes');
    case 'device':
      return l10n.t('device number');
  }
}
