import { l10n, ThemeIcon, TreeItem } from 'vscode';
import { messageOf } from '../../base/errors.ts';
import { fewLines, oneLine } from './readable.ts';

/**
 * A row out of what others have said: made readable, and where it cannot be made, one that says so. VS Code shows no row
 * at all of a list in which one throws.
 */
export function row(make: () => TreeItem): TreeItem {
  try {
    return readable(make());
  } catch (failure) {
    const item = new TreeItem(l10n.t('This row cannot be shown'));
    item.iconPath = new ThemeIcon('warning');
    item.tooltip = fewLines(messageOf(failure));
    return item;
  }
}

function readable(item: TreeItem): TreeItem {
  if (typeof item.label === 'string') item.label = oneLine(item.label);
  if (typeof item.description === 'string') item.description = oneLine(item.description);
  if (typeof item.tooltip === 'string') item.tooltip = fewLines(item.tooltip);
  const said = item.accessibilityInformation;
  if (said) item.accessibilityInformation = { ...said, label: oneLine(said.label) };
  return item;
}
