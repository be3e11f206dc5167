import { FileDecoration, type FileDecorationProvider, l10n, ThemeColor, Uri } from 'vscode';
import type { LayerChange } from '../../protocol/layers.ts';

const scheme = 'porthole-change';

/** Names a row for its file icon and its decoration; nothing is ever opened under this scheme. */
export function changeUri(path: string, kind: LayerChange['kind'] | undefined): Uri {
  return Uri.from({ scheme, path: `/${path}`, query: kind ?? '' });
}

/** The letters and colours that VS Code users know from git. */
export class ChangeDecorations implements FileDecorationProvider {
  provideFileDecoration(uri: Uri): FileDecoration | undefined {
    if (uri.scheme !== scheme) return undefined;
    switch (uri.query) {
      case 'added':
        return decoration('A', l10n.t('added'), 'gitDecoration.addedResourceForeground');
      case 'modified':
        return decoration('M', l10n.t('modified'), 'gitDecoration.modifiedResourceForeground');
      case 'deleted':
        return decoration('D', l10n.t('deleted'), 'gitDecoration.deletedResourceForeground');
      default:
        return undefined;
    }
  }
}

function decoration(letter: string, words: string, color: string): FileDecoration {
  return new FileDecoration(letter, words, new ThemeColor(color));
}
