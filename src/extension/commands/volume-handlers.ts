import type Dockerode from 'dockerode';
import { l10n, window } from 'vscode';
import { PortholeError } from '../../base/errors.ts';
import { formatSize } from '../../base/units.ts';
import { AdvisedFailure } from '../advice.ts';
import { type ContainerView, type Fleet, findEngine, hostLabel, type VolumeView, volumeName } from '../fleet.ts';
import type { Panels } from '../panels/panels.ts';
import { engineOf } from './engine-of.ts';
import type { Handlers } from './handlers.ts';
import { removeThese } from './not-as-it-is.ts';
import { withProgress } from './progress.ts';
import type { CommandId } from './rows.ts';
import type { Targets } from './targets.ts';

type VolumeHandlers = Pick<Handlers, Exclude<Extract<CommandId, `porthole.volume.${string}`>, 'porthole.volume.files'>>;

/** As local volumes may be called, by dockerd and by our agent. */
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export interface VolumeParts {
  readonly fleet: Fleet;
  readonly targets: Targets;
  readonly panels: Panels;
}

export function volumeHandlers({ fleet, targets, panels }: VolumeParts): VolumeHandlers {
  const usersOf = (volume: VolumeView): readonly ContainerView[] =>
    (findEngine(fleet, volume)?.containers ?? []).filter(({ volumes }) => volumes.includes(volume.id));

  return {
    'porthole.volume.create': async (item) => {
      const { host, engine } = await targets.connectedEngine(item);
      const name = await window.showInputBox({
        title: l10n.t('Create a volume on {0}', host.label),
        prompt: l10n.t('A name; empty for one that the engine makes up.'),
        validateInput: (value) =>
          value === '' || namePattern.test(value)
            ? undefined
            : l10n.t('Letters, digits, _ . and -, beginning with a letter or digit'),
      });
      if (name === undefined) return;
      await withProgress(l10n.t('Creating the volume {0}', name), ({ signal }) =>
        host.engine(engine).createVolume({ ...(name && { Name: name }), abortSignal: signal }),
      );
    },

    'porthole.volume.inspect': async (item) => {
      const volume = await targets.volume('porthole.volume.inspect', item);
      if (!volume) return;
      const { host, engine, id } = volume;
      panels.show('inspect', { host, engine, id, name: volumeName(volume), object: 'volume' });
    },

    'porthole.volume.remove': async (item, items) => {
      const chosen = await targets.volumes('porthole.volume.remove', item, items);
      const first = chosen[0];
      if (!first) return;
      const used = chosen.find((volume) => usersOf(volume).length > 0);
      if (used) {
        const users = usersOf(used);
        const names = users.map(({ name }) => name).join(', ');
        throw new AdvisedFailure(
          new PortholeError('conflict', l10n.t('{0} is mounted by {1}. Remove that first.', volumeName(used), names)),
          [removeThese(users)],
        );
      }
      const question =
        chosen.length === 1
          ? l10n.t('Remove the volume {0} from {1}?', volumeName(first), hostLabel(fleet, first.host))
          : l10n.t(
              'Remove {0} volumes ({1})?',
              chosen.length,
              chosen.map((one) => `${volumeName(one)} @ ${hostLabel(fleet, one.host)}`).join(', '),
            );
      const remove = l10n.t('Remove');
      const detail = l10n.t('Every file in it is lost.');
      if ((await window.showWarningMessage(question, { modal: true, detail }, remove)) !== remove) return;
      await withProgress(l10n.t('Removing {0}', chosen.map(volumeName).join(', ')), async () => {
        for (const volume of chosen) await engineOf(fleet, volume).getVolume(volume.id).remove();
      });
    },

    'porthole.volume.prune': async (item) => {
      const { host, engine } = await targets.connectedEngine(item);
      const unused = (findEngine(fleet, { host: host.id, engine })?.volumes ?? []).filter(
        (volume) => usersOf(volume).length === 0,
      );
      if (unused.length === 0) {
        void window.showInformationMessage(l10n.t('Every volume on {0} is used.', host.label));
        return;
      }
      const question = l10n.t('Remove every volume on {0} that no container mounts?', host.label);
      const detail = l10n.t('Every file in them is lost: {0}', unused.map(volumeName).join(', '));
      const remove = l10n.t('Remove');
      if ((await window.showWarningMessage(question, { modal: true, detail }, remove)) !== remove) return;
      const { SpaceReclaimed } = await withProgress(l10n.t('Removing volumes'), () => prune(host.engine(engine)));
      void window.showInformationMessage(l10n.t('{0} are free again.', formatSize(SpaceReclaimed)));
    },
  };
}

/** Also volumes with a name: since API 1.42 engines keep them unless told so. */
const prune = (docker: Dockerode): Promise<Dockerode.PruneVolumesInfo> =>
  docker.pruneVolumes({ filters: JSON.stringify({ all: ['true'] }) });
