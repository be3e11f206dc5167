import { l10n, MarkdownString, type TreeDataProvider, TreeItem, TreeItemCollapsibleState } from 'vscode';
import { DisposableStore } from '../../base/lifetime.ts';
import { type Fleet, type FleetHost, findHost } from '../fleet.ts';
import type { HostState } from '../hosts/contract.ts';
import { engineName } from '../hosts/problems.ts';
import { explain, inWords } from '../problems.ts';
import { hostLook } from './appearance.ts';
import { contextValue } from './context-value.ts';
import { PacedChanges } from './paced-changes.ts';
import { row } from './row.ts';

/** A row of the Hosts view. Stays the same object for the same host, which is how VS Code refreshes one row. */
export interface HostNode {
  readonly type: 'host';
  readonly hostId: string;
}

export class HostsView implements TreeDataProvider<HostNode> {
  readonly #fleet: Fleet;
  readonly #nodes = new Map<string, HostNode>();
  readonly #changed = new PacedChanges<HostNode>();
  readonly #store = new DisposableStore();
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#store.add(this.#changed);
    this.#store.add(
      fleet.onDidChange(({ kind, structure, keys }) => {
        if (kind === 'hosts' || (kind === 'host-state' && structure)) this.#changed.fire(undefined);
        else if (kind === 'host-state') for (const id of keys) this.#changed.fire(this.#nodes.get(id));
      }),
    );
  }

  getChildren(parent?: HostNode): HostNode[] {
    return parent ? [] : this.#fleet.hosts.map((entry) => this.#nodeOf(entry));
  }

  getTreeItem(node: HostNode): TreeItem {
    return row(() => this.#item(node));
  }

  #item(node: HostNode): TreeItem {
    const entry = findHost(this.#fleet, node.hostId);
    const item = new TreeItem(entry?.host.label ?? node.hostId, TreeItemCollapsibleState.None);
    item.id = `host:${node.hostId}`;
    if (!entry) return item;
    const { state, label } = entry.host;
    const { icon, words } = hostLook(state);
    item.iconPath = icon;
    item.description = description(state, words);
    item.tooltip = tooltip(entry);
    item.contextValue = contextValue('host', state.kind, entry.kind);
    item.accessibilityInformation = { label: `${label}, ${words}` };
    if (state.kind === 'disconnected') {
      item.command = { command: 'porthole.host.connect', title: l10n.t('Connect'), arguments: [node] };
    }
    return item;
  }

  dispose(): void {
    this.#store.dispose();
  }

  #nodeOf(entry: FleetHost): HostNode {
    const known = this.#nodes.get(entry.host.id);
    if (known) return known;
    const made: HostNode = { type: 'host', hostId: entry.host.id };
    this.#nodes.set(entry.host.id, made);
    return made;
  }
}

function description(state: HostState, words: string): string {
  if (state.kind === 'connecting') return inWords(state.step);
  if (state.kind === 'connected') return `Linux ${state.kernel}`;
  return state.error ? firstSentence(explain(state.error)) : words;
}

function tooltip({ host, engines }: FleetHost): MarkdownString {
  const { state } = host;
  const text = new MarkdownString();
  text.appendMarkdown(`**`);
  text.appendText(host.label);
  text.appendMarkdown(`**\n\n`);
  if (state.kind === 'connected') {
    text.appendText(l10n.t('Kernel {0}, {1}, agent {2}', state.kernel, state.architecture, state.version));
    text.appendMarkdown('\n\n');
    text.appendText(l10n.t('Engines: {0}', engines.map((view) => engineName(view.engine)).join(', ') || '–'));
  } else if (state.kind === 'connecting') {
    text.appendText(inWords(state.step));
  } else if (state.error) {
    text.appendText(explain(state.error));
    text.appendMarkdown('\n\n');
    text.appendText(l10n.t('Click the host to try again.'));
  } else {
    text.appendText(l10n.t('Not connected. Click to connect.'));
  }
  return text;
}

function firstSentence(text: string): string {
  return /^.*?[.!?](?=\s|$)/.exec(text)?.[0] ?? text;
}
