import { l10n, window } from 'vscode';
import { type ContainerView, type Fleet, findHost, type ImageView, imageName, keyOf, shortId } from '../fleet.ts';
import { engineName } from '../hosts/problems.ts';
import type { Compared, Layers } from '../layers/layers.ts';
import { openComparison } from '../layers/tree-comparison.ts';
import type { Handlers } from './handlers.ts';
import { withProgress } from './progress.ts';
import type { Targets } from './targets.ts';

export interface CompareParts {
  readonly fleet: Fleet;
  readonly targets: Targets;
  readonly layers: Layers;
}

/** Two images, two containers, or one of each: all files in which they differ. */
export function compareHandlers({
  fleet,
  targets,
  layers,
}: CompareParts): Pick<Handlers, 'porthole.image.compare' | 'porthole.container.compare'> {
  const compare = async ([left, chosen]: readonly Compared[], first: string | undefined) => {
    if (!left) return;
    const right = chosen ?? (await chooseOther(fleet, left, first));
    if (!right) return;
    const changes = await withProgress(l10n.t('Comparing {0} with {1}', left.name, right.name), ({ signal }) =>
      layers.differences(left, right, signal),
    );
    await openComparison(layers, { left, right, changes });
  };

  return {
    'porthole.image.compare': async (item, items) => {
      const chosen = await targets.images('porthole.image.compare', item, items);
      await compare(onOneHost(chosen.map(ofImage)), undefined);
    },

    'porthole.container.compare': async (item, items) => {
      const chosen = await targets.containers('porthole.container.compare', item, items);
      await compare(onOneHost(chosen.map(ofContainer)), chosen[0]?.imageId);
    },
  };
}

const ofImage = (image: ImageView): Compared => ({ kind: 'image', ref: image, name: imageName(image) });
const ofContainer = (container: ContainerView): Compared => ({
  kind: 'container',
  ref: container,
  name: container.name,
});

/** An agent compares what is on its own host. */
function onOneHost(chosen: readonly Compared[]): readonly Compared[] {
  return chosen.filter(({ ref }) => ref.host === chosen[0]?.ref.host);
}

/** @param first id of the image that is most likely meant */
async function chooseOther(fleet: Fleet, one: Compared, first: string | undefined): Promise<Compared | undefined> {
  const engines = findHost(fleet, one.ref.host)?.engines ?? [];
  // Files of containers are those of our own engine's.
  const containers = engines.filter(({ engine }) => engine === 'porthole').flatMap((view) => view.containers);
  const all = [...engines.flatMap(({ images }) => images.map(ofImage)), ...containers.map(ofContainer)]
    .filter(({ kind, ref }) => kind !== one.kind || keyOf(ref) !== keyOf(one.ref))
    .sort((a, b) => Number(b.ref.id === first) - Number(a.ref.id === first));
  const rows = all.map((other) => ({
    label: other.name,
    description: other.kind === 'image' ? l10n.t('image {0}', shortId(other.ref.id)) : l10n.t('container'),
    detail: other.ref.id === first ? l10n.t('what it was made from') : engineName(other.ref.engine),
    other,
  }));
  const title = l10n.t('Compare {0} with what?', one.name);
  return (await window.showQuickPick(rows, { title, matchOnDescription: true }))?.other;
}
