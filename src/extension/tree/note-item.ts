import { l10n, ThemeIcon, TreeItem } from 'vscode';
import { contextValue } from './context-value.ts';
import type { NoteNode } from './inside-nodes.ts';

/** A row that stands for rows that are not there. */
export function noteItem({ id, text, failed }: NoteNode): TreeItem {
  const item = new TreeItem(text);
  item.id = `note:${id}`;
  item.iconPath = new ThemeIcon(failed ? 'warning' : 'info');
  item.tooltip = failed ? `${text}\n${l10n.t('Click to read it again.')}` : text;
  item.accessibilityInformation = { label: failed ? l10n.t('Problem: {0}', text) : text };
  item.contextValue = contextValue('note', failed ? 'failed' : 'quiet', 'any');
  if (failed) item.command = { command: 'porthole.refresh', title: l10n.t('Refresh') };
  return item;
}
