import { l10n, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import { type Fleet, hostLabel } from '../fleet.ts';
import type { EngineKind } from '../hosts/contract.ts';
import { engineName } from '../hosts/problems.ts';
import { contextValue } from './context-value.ts';
import type { Bucket, Grouping } from './grouping.ts';

/** Containers that have something in common: a row above them. */
export interface ContainerGroup {
  readonly type: 'group';
  readonly key: string;
  /** Where all of them are, for commands that make something new. */
  readonly host?: string;
  readonly engine?: EngineKind;
}

export function containerGroupItem(
  fleet: Fleet,
  { grouping, bucket }: { grouping: Grouping; bucket: Bucket },
): TreeItem {
  const label = labelOf(fleet, grouping, bucket);
  const item = new TreeItem(label, TreeItemCollapsibleState.Expanded);
  item.id = `group:${bucket.key}`;
  const count = bucket.containers.length;
  const where = whereOf(fleet, grouping, bucket);
  item.description = where ? `${where} (${count})` : `(${count})`;
  item.iconPath = new ThemeIcon(iconOf(grouping, bucket));
  item.contextValue = contextValue('group', 'open', bucket.engine ?? 'any');
  const containers = count === 1 ? l10n.t('1 container') : l10n.t('{0} containers', count);
  item.accessibilityInformation = { label: [label, where, containers].filter(Boolean).join(', ') };
  item.tooltip = item.accessibilityInformation.label;
  return item;
}

function labelOf(fleet: Fleet, grouping: Grouping, { value, host, engine }: Bucket): string {
  switch (grouping.by) {
    case 'engine':
      return engine ? engineName(engine) : value;
    case 'project':
      return value || l10n.t('No Compose project');
    case 'network':
      return value || l10n.t('No network');
    case 'label':
      return value ? `${grouping.label}=${value}` : l10n.t('Without {0}', grouping.label);
    case 'state':
      return stateWords(value);
    default:
      return host ? hostLabel(fleet, host) : value;
  }
}

/** What a label does not tell of where its containers are. */
function whereOf(fleet: Fleet, { by }: Grouping, { host, engine }: Bucket): string {
  if (by === 'auto' && engine) return engineName(engine);
  const places = fleet.hosts.reduce((sum, entry) => sum + entry.engines.length, 0);
  if ((by !== 'project' && by !== 'network') || !host || !engine || places <= 1) return '';
  return `${hostLabel(fleet, host)} · ${engineName(engine)}`;
}

function iconOf({ by }: Grouping, { host }: Bucket): string {
  switch (by) {
    case 'engine':
      return 'server-process';
    case 'project':
      return 'symbol-namespace';
    case 'network':
      return 'globe';
    case 'label':
      return 'tag';
    case 'state':
      return 'circle-large-outline';
    default:
      return host === 'local' ? 'vm' : 'remote';
  }
}

function stateWords(state: string): string {
  switch (state) {
    case 'running':
      return l10n.t('Running');
    case 'paused':
      return l10n.t('Paused');
    case 'restarting':
      return l10n.t('Restarting');
    case 'created':
      return l10n.t('Created');
    case 'exited':
      return l10n.t('Exited');
    case 'removing':
      return l10n.t('Being removed');
    default:
      return l10n.t('Dead');
  }
}

/** How a grouping is called in a menu. */
export function groupingWords(grouping: Grouping): string {
  switch (grouping.by) {
    case 'auto':
      return l10n.t('Host and engine, when there are several');
    case 'host':
      return l10n.t('Host');
    case 'engine':
      return l10n.t('Engine');
    case 'project':
      return l10n.t('Compose project');
    case 'state':
      return l10n.t('State');
    case 'network':
      return l10n.t('Network');
    case 'label':
      return l10n.t('Label {0}', grouping.label);
    case 'none':
      return l10n.t('Nothing: one list');
  }
}
