import {
  commands,
  l10n,
  type TreeDataProvider,
  type TreeDragAndDropController,
  type TreeView,
  type TreeViewOptions,
  window,
} from 'vscode';
import { type Disposable, DisposableStore } from '../../base/lifetime.ts';
import type { ContainerView, Fleet } from '../fleet.ts';
import { troubleWords } from './appearance.ts';
import type { ContainersNode, ContainersView } from './containers-view.ts';
import type { HostsView } from './hosts-view.ts';
import type { ImagesView } from './images-view.ts';
import { troubleOf } from './troubles.ts';
import type { VolumesView } from './volumes-view.ts';

/** The ids of the views, as `package.json` and `createTreeView` name them. */
export interface ViewIds {
  readonly hosts: string;
  readonly containers: string;
  readonly images: string;
  readonly volumes: string;
}

export interface Views {
  readonly hosts: HostsView;
  readonly containers: ContainersView;
  readonly images: ImagesView;
  readonly volumes: VolumesView;
}

export interface TreeViewsParts {
  readonly fleet: Fleet;
  readonly views: Views;
  readonly ids: ViewIds;
  readonly drops: TreeDragAndDropController<ContainersNode>;
}

/** How many containers a badge names; the rest is counted. */
const named = 8;

/** Puts the trees into VS Code's views, and keeps what stands around them true: badge, filter, what an empty one says. */
export class TreeViews implements Disposable {
  readonly #fleet: Fleet;
  readonly #views: Views;
  readonly #store = new DisposableStore();
  readonly #containersTree: TreeView<unknown>;
  readonly #imagesTree: TreeView<unknown>;
  readonly #trees = new Map<string, TreeView<unknown>>();
  readonly #contexts = new Map<string, boolean>();

  constructor({ fleet, views, ids, drops }: TreeViewsParts) {
    this.#fleet = fleet;
    this.#views = views;
    const { containers, images } = views;
    this.#create(ids.hosts, { treeDataProvider: views.hosts });
    const tree = this.#create(ids.containers, {
      treeDataProvider: containers,
      canSelectMany: true,
      dragAndDropController: drops,
    });
    this.#containersTree = tree;
    this.#imagesTree = this.#create(ids.images, { treeDataProvider: images, canSelectMany: true });
    this.#create(ids.volumes, { treeDataProvider: views.volumes, canSelectMany: true });
    containers.setVisible(tree.visible);
    this.#store.add(tree.onDidChangeVisibility(({ visible }) => containers.setVisible(visible)));
    this.#store.add(tree.onDidExpandElement(({ element }) => containers.setUnfolded(element, true)));
    this.#store.add(tree.onDidCollapseElement(({ element }) => containers.setUnfolded(element, false)));
    this.#store.add(
      fleet.onDidChange(({ kind }) => {
        if (kind === 'execs' || kind === 'volumes') return;
        if (kind !== 'images') this.#containersTree.badge = badge(fleet);
        this.#tell();
      }),
    );
    this.#store.add(onWhole(containers, () => this.#tell()));
    this.#store.add(onWhole(images, () => this.#tell()));
    this.#tell();
  }

  /** The rows that are selected in a view: a key, unlike a menu, is told of none. */
  selection(id: string): readonly unknown[] {
    return this.#trees.get(id)?.selection ?? [];
  }

  dispose(): void {
    this.#store.dispose();
  }

  #create<T>(id: string, options: TreeViewOptions<T>): TreeView<T> {
    const tree = this.#store.add(window.createTreeView(id, options));
    this.#trees.set(id, tree);
    return tree;
  }

  #tell(): void {
    const { containers, images } = this.#views;
    const connected = this.#fleet.hosts.filter(({ host }) => host.state.kind === 'connected');
    this.#context('connected', connected.length > 0);
    this.#context(
      'answered',
      connected.some(({ engines }) => engines.length > 0),
    );
    this.#context('containersFiltered', containers.filter !== undefined);
    this.#context('imagesFiltered', images.filter !== undefined);
    describe(this.#containersTree, containers);
    describe(this.#imagesTree, images);
  }

  /** VS Code looks at every menu anew when one is set. */
  #context(name: string, value: boolean): void {
    if (this.#contexts.get(name) === value) return;
    this.#contexts.set(name, value);
    void commands.executeCommand('setContext', `porthole.${name}`, value);
  }
}

/** Told when a list as a whole is drawn anew: after a filter or a grouping, too. */
function onWhole<T>(
  view: { readonly onDidChangeTreeData: NonNullable<TreeDataProvider<T>['onDidChangeTreeData']> },
  act: () => void,
): Disposable {
  return view.onDidChangeTreeData((row) => {
    if (row === undefined) act();
  });
}

/** Beside the title of a view: what it is filtered by. */
function describe(tree: TreeView<unknown>, { filter, counts }: Pick<ContainersView, 'filter' | 'counts'>): void {
  tree.description = filter ? l10n.t('“{0}”: {1} of {2}', filter.text, counts.shown, counts.all) : '';
}

/** A number on the view for containers that need a look, and which they are. */
function badge(fleet: Fleet): { value: number; tooltip: string } | undefined {
  const all: readonly ContainerView[] = fleet.hosts.flatMap(({ engines }) =>
    engines.flatMap(({ containers }) => containers),
  );
  const troubled = all.flatMap((container) => {
    const trouble = troubleOf(container);
    return trouble ? [`${container.name}: ${troubleWords(trouble)}`] : [];
  });
  if (troubled.length === 0) return undefined;
  const rest = troubled.length - named;
  const names = [...troubled.slice(0, named), ...(rest > 0 ? [l10n.t('and {0} more', rest)] : [])].join(', ');
  const count = troubled.length;
  return {
    value: count,
    tooltip:
      count === 1
        ? l10n.t('1 container needs a look: {0}', names)
        : l10n.t('{0} containers need a look: {1}', count, names),
  };
}
