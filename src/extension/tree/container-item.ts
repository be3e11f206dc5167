import { l10n, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import { type ContainerView, keyOf, type LiveUsage, type ObjectRef, shortId } from '../fleet.ts';
import { containerDescription, containerLook, exitHint, troubleWords } from './appearance.ts';
import { contextValue } from './context-value.ts';
import { troubleUri } from './decorations.ts';
import { troubleOf } from './troubles.ts';

export interface ContainerRow {
  readonly ref: ObjectRef;
  /** Undefined: it has gone, and its row will. */
  readonly container: ContainerView | undefined;
  readonly usage: LiveUsage | undefined;
  /** Where it is, for tooltip and screen readers. */
  readonly host: string;
  /** The rows above do not tell where it is. */
  readonly tellHost: boolean;
}

export function containerItem({ ref, container, usage, host, tellHost }: ContainerRow): TreeItem {
  const item = new TreeItem(container?.name || shortId(ref.id), TreeItemCollapsibleState.Collapsed);
  item.id = `container:${keyOf(ref)}`;
  if (!container) {
    item.iconPath = new ThemeIcon('loading~spin');
    return item;
  }
  const { icon, words } = containerLook(container);
  const trouble = troubleOf(container);
  if (trouble) item.resourceUri = troubleUri(ref, trouble);
  item.iconPath = icon;
  item.description = [containerDescription(container, usage), tellHost ? host : ''].filter(Boolean).join(' · ');
  item.tooltip = [
    container.name,
    words,
    exitHint(container),
    l10n.t('Image: {0}', container.image),
    l10n.t('Command: {0}', container.command),
    l10n.t('Host: {0}', host),
    shortId(container.id),
  ]
    .filter(Boolean)
    .join('\n');
  item.contextValue = contextValue(
    'container',
    container.state,
    container.engine,
    container.ports.length > 0 ? 'published' : undefined,
  );
  const mark = trouble ? troubleWords(trouble) : '';
  const said = [item.label, words, words.includes(mark) ? '' : mark, container.image, tellHost ? host : ''];
  item.accessibilityInformation = { label: said.filter(Boolean).join(', ') };
  return item;
}
