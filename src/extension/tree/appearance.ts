import { l10n, ThemeColor, ThemeIcon } from 'vscode';
import { formatMemory, formatPercent } from '../../base/units.ts';
import type { ContainerView, LiveUsage } from '../fleet.ts';
import type { HostState } from '../hosts/contract.ts';
import { exitWords } from '../inspect/exit-codes.ts';
import { inWords } from '../problems.ts';
import type { Trouble } from './troubles.ts';

/** An icon with the words that a screen reader says for it. */
export interface Look {
  readonly icon: ThemeIcon;
  readonly words: string;
}

const look = (icon: string, color: string, words: string): Look => ({
  icon: new ThemeIcon(icon, new ThemeColor(color)),
  words,
});

export function containerLook(container: ContainerView): Look {
  const problem = containerProblem(container);
  switch (container.state) {
    case 'running':
      if (container.health === 'unhealthy')
        return look('warning', 'list.errorForeground', l10n.t('running, unhealthy'));
      return look('circle-filled', 'charts.green', healthWords(container) ?? l10n.t('running'));
    case 'paused':
      return look('debug-pause', 'charts.yellow', l10n.t('paused'));
    case 'restarting':
      return look('sync', 'charts.yellow', problem ? l10n.t('restarting, {0}', problem) : l10n.t('restarting'));
    case 'removing':
      return look('trash', 'descriptionForeground', l10n.t('being removed'));
    case 'created':
      return look('circle-outline', 'descriptionForeground', l10n.t('created, never started'));
    case 'exited':
      if (container.oomKilled) return look('flame', 'list.errorForeground', problem ?? '');
      if (problem) return look('error', 'list.errorForeground', problem);
      return look('circle-large-outline', 'descriptionForeground', l10n.t('exited with code {0}', 0));
    case 'dead':
      return look('error', 'list.errorForeground', l10n.t('dead'));
  }
}

/** In words why a container needs a look; undefined when it does not. */
export function containerProblem(container: ContainerView): string | undefined {
  if (container.state === 'dead') return l10n.t('dead');
  if (container.state === 'running' && container.health === 'unhealthy') return l10n.t('unhealthy');
  if (container.state !== 'exited' && container.state !== 'restarting') return undefined;
  if (container.oomKilled) return l10n.t('killed: out of memory');
  if (container.exitCode === undefined || container.exitCode === 0) return undefined;
  return l10n.t('exited with code {0}', container.exitCode);
}

function healthWords({ health }: ContainerView): string | undefined {
  if (health === 'healthy') return l10n.t('running, healthy');
  return health === 'starting' ? l10n.t('running, health not known yet') : undefined;
}

/** In words what is wrong and stays so. */
export function troubleWords(trouble: Trouble): string {
  switch (trouble) {
    case 'unhealthy':
      return l10n.t('unhealthy');
    case 'out-of-memory':
      return l10n.t('killed: out of memory');
    case 'restarting':
      return l10n.t('restarting again and again');
    case 'dead':
      return l10n.t('dead');
  }
}

/** What a shell's or the kernel's exit code usually means; undefined for a program's own codes. */
export function exitHint({ state, exitCode, oomKilled }: ContainerView): string | undefined {
  if (state !== 'exited' || oomKilled) return undefined;
  const words = exitCode === undefined ? undefined : exitWords(exitCode);
  return words && inWords(words);
}

/** What stands behind a container's name: live numbers, or how it ended; then its image. */
export function containerDescription(container: ContainerView, usage: LiveUsage | undefined): string {
  const state = stateWords(container);
  const numbers = usage && container.state === 'running' ? usageWords(usage) : undefined;
  return [numbers, state, container.image].filter(Boolean).join(' · ');
}

export const usageWords = ({ cpuPercent, memory }: LiveUsage): string =>
  `${formatPercent(cpuPercent)} · ${formatMemory(memory)}`;

function stateWords(container: ContainerView): string | undefined {
  if (container.state === 'restarting') return containerLook(container).words;
  const problem = containerProblem(container);
  return problem ?? (container.state === 'running' ? undefined : containerLook(container).words);
}

export function hostLook(state: HostState): Look {
  switch (state.kind) {
    case 'connected':
      return look('vm-active', 'charts.green', l10n.t('connected'));
    case 'connecting':
      return { icon: new ThemeIcon('loading~spin'), words: l10n.t('connecting') };
    case 'disconnected':
      return state.error
        ? look('vm-outline', 'list.errorForeground', l10n.t('failed'))
        : look('vm-outline', 'descriptionForeground', l10n.t('not connected'));
  }
}
