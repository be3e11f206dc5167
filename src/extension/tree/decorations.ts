import { FileDecoration, type FileDecorationProvider, l10n, ThemeColor, Uri } from 'vscode';
import type { LayerChange } from '../../protocol/layers.ts';
import type { ObjectRef } from '../fleet.ts';
import { troubleWords } from './appearance.ts';
import { type Trouble, troubles } from './troubles.ts';

const scheme = 'porthole-change';

/** Names a row for its file icon and its decoration; nothing is ever opened under this scheme. */
export function changeUri(path: string, kind: LayerChange['kind'] | undefined): Uri {
  return Uri.from({ scheme, path: `/${path}`, query: kind ?? '' });
}

const rowScheme = 'porthole-row';

/** Names a container's row for the mark of what is wrong with it; nothing is ever opened under this scheme. */
export function troubleUri({ host, engine, id }: ObjectRef, trouble: Trouble): Uri {
  return Uri.from({
    scheme: rowScheme,
    path: `/${[host, engine, id].map(encodeURIComponent).join('/')}`,
    query: trouble,
  });
}

export function kindWords(kind: LayerChange['kind']): string {
  if (kind === 'added') return l10n.t('added');
  return kind === 'deleted' ? l10n.t('deleted') : l10n.t('modified');
}

/** An exclamation mark on containers that need a look. */
export class TroubleDecorations implements FileDecorationProvider {
  provideFileDecoration(uri: Uri): FileDecoration | undefined {
    const trouble = uri.scheme === rowScheme ? troubles.find((one) => one === uri.query) : undefined;
    if (!trouble) return undefined;
    const color = trouble === 'restarting' ? 'list.warningForeground' : 'list.errorForeground';
    return new FileDecoration('!', troubleWords(trouble), new ThemeColor(color));
  }
}

/** The letters and colours that VS Code users know from git. */
export class ChangeDecorations implements FileDecorationProvider {
  provideFileDecoration(uri: Uri): FileDecoration | undefined {
    if (uri.scheme !== scheme) return undefined;
    switch (uri.query) {
      case 'added':
        return decoration('A', kindWords('added'), 'gitDecoration.addedResourceForeground');
      case 'modified':
        return decoration('M', kindWords('modified'), 'gitDecoration.modifiedResourceForeground');
      case 'deleted':
        return decoration('D', kindWords('deleted'), 'gitDecoration.deletedResourceForeground');
      default:
        return undefined;
    }
  }
}

function decoration(letter: string, words: string, color: string): FileDecoration {
  return new FileDecoration(letter, words, new ThemeColor(color));
}
