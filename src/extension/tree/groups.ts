import { ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import { type Fleet, hostLabel } from '../fleet.ts';
import type { EngineKind } from '../hosts/contract.ts';
import { engineName } from '../hosts/problems.ts';
import { contextValue } from './context-value.ts';

/** One engine of one host: the first level of Containers and Images when there is more than one. */
export interface EngineGroup {
  readonly type: 'group';
  readonly host: string;
  readonly engine: EngineKind;
}

/** @param known groups made before: VS Code tells rows apart by their objects. */
export function groupsOf(fleet: Fleet, known: Map<string, EngineGroup>): EngineGroup[] {
  return fleet.hosts.flatMap(({ host, engines }) =>
    engines.map(({ engine }) => {
      const key = `${host.id}/${engine}`;
      const group: EngineGroup = known.get(key) ?? { type: 'group', host: host.id, engine };
      known.set(key, group);
      return group;
    }),
  );
}

export function groupItem(fleet: Fleet, group: EngineGroup, count: number): TreeItem {
  const item = new TreeItem(hostLabel(fleet, group.host), TreeItemCollapsibleState.Expanded);
  item.id = `group:${group.host}/${group.engine}`;
  item.description = `${engineName(group.engine)} (${count})`;
  item.iconPath = new ThemeIcon(group.host === 'local' ? 'vm' : 'remote');
  item.contextValue = contextValue('group', 'open', group.engine);
  item.accessibilityInformation = { label: `${item.label}, ${item.description}` };
  return item;
}
