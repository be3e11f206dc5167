import { pageNames } from '../panels/page-names.ts';
import { type CommandId, type CommandRow, commandIds, rowOf, titleKey } from './rows.ts';

/** The ids of the views, as `package.json` and `createTreeView` name them. */
export const viewIds = {
  hosts: 'porthole.hosts',
  containers: 'porthole.containers',
  images: 'porthole.images',
  volumes: 'porthole.volumes',
} as const;

/** What a key passes instead of a row: whatever is selected. */
export const selected = 'selected';

/**
 * The parts of `package.json` that follow from the command table. `test/extension/ui/manifest.test.ts` holds the file to it;
 * `PORTHOLE_UPDATE=1` with that test writes it.
 */
export function commandContributions() {
  return {
    commands: commandIds.map(command),
    keybindings: commandIds.flatMap(keyEntries),
    menus: {
      'view/title': commandIds.flatMap(titleEntries),
      'view/item/context': commandIds.flatMap(contextEntries),
      'explorer/context': commandIds.flatMap(explorerEntries),
      commandPalette: commandIds
        .filter((id) => rowOf(id).palette === false)
        .map((id) => ({ command: id, when: 'false' })),
    },
  };
}

/** Views and commands activate by themselves. */
export const activationEvents: readonly string[] = [
  ...pageNames.map((page) => `onWebviewPanel:porthole.${page}`),
  'onFileSystem:porthole',
  'onFileSystem:porthole-files',
];

/** English titles by key, for package.nls.json. */
export function commandTitles(): Record<string, string> {
  return Object.fromEntries(commandIds.map((id) => [titleKey(id), rowOf(id).title]));
}

/** The states in which a row is offered, checked before it runs too: a state can change while a menu is open. */
export function isOffered(row: CommandRow, state: string, engine: string): boolean {
  return (row.states?.includes(state) ?? true) && (row.engines?.includes(engine) ?? true);
}

function command(id: CommandId) {
  const row = rowOf(id);
  return {
    command: id,
    title: `%${titleKey(id)}%`,
    category: 'Porthole',
    ...(row.icon ? { icon: `$(${row.icon})` } : {}),
  };
}

function titleEntries(id: CommandId) {
  const row = rowOf(id);
  const group = row.inTitle === undefined ? undefined : `navigation@${row.inTitle}`;
  const menu = row.inTitleMenu === undefined ? undefined : `1_all@${row.inTitleMenu}`;
  const views =
    row.target === 'hosts' || row.target === 'images' || row.target === 'containers' || row.target === 'volumes'
      ? [viewIds[row.target]]
      : Object.values(viewIds);
  const place =
    views.length > 1 ? `view =~ /^(${views.join('|').replaceAll('.', '\\.')})$/` : `view == ${views[0] ?? ''}`;
  const when = row.titleWhen ? `${place} && ${row.titleWhen}` : place;
  return [group, menu].flatMap((at) => (at === undefined ? [] : [{ command: id, when, group: at }]));
}

function contextEntries(id: CommandId) {
  const row = rowOf(id);
  const when = contextClause(row);
  if (!when) return [];
  return [
    ...(row.group ? [{ command: id, when, group: row.group }] : []),
    ...(row.inline === undefined ? [] : [{ command: id, when, group: `inline@${row.inline}` }]),
  ];
}

function explorerEntries(id: CommandId) {
  const { inExplorer: when } = rowOf(id);
  return when === undefined ? [] : [{ command: id, when, group: '7_porthole@1' }];
}

function keyEntries(id: CommandId) {
  const { key, target } = rowOf(id);
  const view = viewOf(target);
  if (!key || !view) return [];
  return [{ command: id, ...key, when: `focusedView == ${view} && listFocus && !inputFocus`, args: selected }];
}

function contextClause(row: CommandRow): string | undefined {
  const view = viewOf(row.target);
  if (!view) return undefined;
  const states = row.states ? `(${row.states.join('|')})` : '[a-z]+';
  const engines = row.engines ? `(${row.engines.join('|')})` : '[a-z]+';
  const trait = row.trait ? `\\.${row.trait}` : '(\\.[a-z]+)?';
  const rows = [
    `${row.target}\\.${states}\\.${engines}${row.target === 'container' ? trait : ''}`,
    ...(row.alsoOn ?? []).map((one) => `${one}\\.${engines}`),
  ];
  const pattern = rows.length > 1 ? `(${rows.join('|')})` : (rows[0] ?? '');
  return `view == ${view} && viewItem =~ /^${pattern}$/`;
}

/** The view that has rows of a kind. */
export function viewOf(target: CommandRow['target']): string | undefined {
  if (target === 'container' || target === 'difference') return viewIds.containers;
  if (target === 'volume') return viewIds.volumes;
  if (target === 'host') return viewIds.hosts;
  if (target === 'image' || target === 'layer' || target === 'file') return viewIds.images;
  return undefined;
}
