import { l10n, type Memento, type QuickPickItem, QuickPickItemKind, window } from 'vscode';
import type { Fleet } from '../fleet.ts';
import { groupingWords } from '../tree/container-groups.ts';
import type { ContainersView } from '../tree/containers-view.ts';
import { type Filter, filterOf } from '../tree/filter.ts';
import { type Grouping, groupingOf, labelsIn, plainGroupings } from '../tree/grouping.ts';
import type { ImagesView } from '../tree/images-view.ts';
import type { Handlers } from './handlers.ts';

type TreeHandlers = Pick<
  Handlers,
  'porthole.container.groupBy' | `porthole.${'container' | 'image'}.${'filter' | 'clearFilter'}`
>;

export interface TreeParts {
  readonly fleet: Fleet;
  readonly containers: ContainersView;
  readonly images: ImagesView;
  /** Of all windows. */
  readonly memory: Memento;
}

const memoryKey = 'containers.grouping';

/** What was chosen the last time, in whatever window. */
export function rememberedGrouping(memory: Memento): Grouping {
  return groupingOf(memory.get<unknown>(memoryKey)) ?? { by: 'auto' };
}

/** How the trees are arranged, and what of them is shown. */
export function treeHandlers({ fleet, containers, images, memory }: TreeParts): TreeHandlers {
  return {
    'porthole.container.groupBy': async () => {
      const grouping = await askGrouping(fleet, containers.grouping);
      if (!grouping) return;
      containers.groupBy(grouping);
      await memory.update(memoryKey, grouping);
    },
    'porthole.container.filter': () => askFilter(l10n.t('Filter containers'), containers),
    'porthole.container.clearFilter': () => containers.filterBy(undefined),
    'porthole.image.filter': () => askFilter(l10n.t('Filter images'), images),
    'porthole.image.clearFilter': () => images.filterBy(undefined),
  };
}

interface Choice extends QuickPickItem {
  readonly grouping?: Grouping | 'label';
}

async function askGrouping(fleet: Fleet, now: Grouping): Promise<Grouping | undefined> {
  const mark = l10n.t('as it is now');
  const choices: Choice[] = plainGroupings.map((by) => ({
    label: groupingWords({ by }),
    ...(now.by === by && { description: mark }),
    grouping: { by },
  }));
  choices.push(
    { label: '', kind: QuickPickItemKind.Separator },
    {
      label: l10n.t('Label…'),
      ...(now.by === 'label' && { description: `${now.label} · ${mark}` }),
      grouping: 'label',
    },
  );
  const chosen = await window.showQuickPick(choices, { title: l10n.t('Group containers by') });
  return chosen?.grouping === 'label' ? askLabel(fleet) : chosen?.grouping;
}

async function askLabel(fleet: Fleet): Promise<Grouping | undefined> {
  const labels = labelsIn(fleet.hosts).map(({ label, count }) => ({
    label,
    description: count === 1 ? l10n.t('1 container') : l10n.t('{0} containers', count),
  }));
  if (labels.length === 0) {
    void window.showInformationMessage(l10n.t('No container has a label.'));
    return undefined;
  }
  const chosen = await window.showQuickPick(labels, { title: l10n.t('Group containers by which label?') });
  return chosen && { by: 'label', label: chosen.label };
}

interface Filtered {
  readonly filter: Filter | undefined;
  filterBy(filter: Filter | undefined): void;
}

/** What is typed is seen at once; Escape brings back what was. */
async function askFilter(title: string, view: Filtered): Promise<void> {
  const before = view.filter;
  const input = window.createInputBox();
  input.title = title;
  input.placeholder = l10n.t('Words of a name, image, label, state or id');
  input.prompt = l10n.t('All words must be found. state:running or label:tier=web look in one place only.');
  input.value = before?.text ?? '';
  try {
    const accepted = await new Promise<boolean>((resolve) => {
      input.onDidChangeValue((value) => view.filterBy(filterOf(value)));
      input.onDidAccept(() => resolve(true));
      input.onDidHide(() => resolve(false));
      input.show();
    });
    view.filterBy(accepted ? filterOf(input.value) : before);
  } finally {
    input.dispose();
  }
}
