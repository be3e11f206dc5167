import { createHash } from 'node:crypto';
import { PortholeError } from '../../base/errors.ts';

/** Where an agent keeps its things, and so what its units are named after. */
export interface Roots {
  readonly dataRoot: string;
  readonly execRoot: string;
  /** Path of the unix socket. */
  readonly socket: string;
}

export interface UnitNames {
  /** The agent. */
  readonly agent: string;
  /** What is delegated: containers' cgroups, and the leaf of agent and shims. */
  readonly containers: string;
}

/**
 * The usual agent has the plain names; one on other roots has a digest of them in its own.
 * @param usual the data root that the host's, or the user's, agent has when nobody asks for another
 */
export function unitNames(dataRoot: string, usual: string): UnitNames {
  const suffix = dataRoot === usual ? '' : `-${createHash('sha256').update(dataRoot).digest('hex').slice(0, 8)}`;
  return { agent: `porthole${suffix}.service`, containers: `porthole-containers${suffix}.service` };
}

/**
 * The unit that runs the agent.
 *
 * KillMode=process: when it is stopped or restarted, shims and containers stay. It is ordered after the containers' unit,
 * so that at a shutdown the agent goes first and does not take the containers' ends for their own.
 */
export function agentUnit(
  names: UnitNames,
  options: { readonly command: readonly string[]; readonly kind: 'system' | 'user' },
): string {
  const { command, kind } = options;
  return [
    '[Unit]',
    'Description=Porthole container agent',
    `Requires=${names.containers}`,
    // A user's manager knows the host's targets not, and starts after them anyhow.
    `After=${names.containers}${kind === 'system' ? ' network.target local-fs.target' : ''}`,
    '',
    '[Service]',
    'Type=simple',
    `ExecStart=${command.map(quoted).join(' ')}`,
    'KillMode=process',
    'Restart=on-failure',
    'RestartSec=1',
    'TimeoutStopSec=20',
    'LimitNOFILE=1048576',
    'TasksMax=infinity',
    '',
    '[Install]',
    `WantedBy=${kind === 'system' ? 'multi-user.target' : 'default.target'}`,
    '',
  ].join('\n');
}

/** The unit whose cgroup systemd leaves to us. It has no process of its own and outlives every agent. */
export function containersUnit(): string {
  return [
    '[Unit]',
    'Description=Containers of the Porthole agent',
    '',
    '[Service]',
    ...containersProperties.map(([name, value]) => `${name}=${value}`),
    'ExecStart=/bin/true',
    '',
  ].join('\n');
}

/** The same for systemd-run, where no unit is installed. */
export const containersProperties = [
  ['Type', 'oneshot'],
  ['RemainAfterExit', 'yes'],
  ['Delegate', 'yes'],
  ['TasksMax', 'infinity'],
  ['TimeoutStopSec', '15'],
] as const;

const unwritable = (text: string) =>
  new PortholeError('invalid', `${JSON.stringify(text)} cannot stand in a unit file: it holds a line break`);

/** One argument of ExecStart: quotes and backslashes escaped, % and $ doubled. See systemd.service(5), COMMAND LINES. */
export function quoted(argument: string): string {
  if (/[\n\r\0]/.test(argument)) throw unwritable(argument);
  const escaped = argument.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./-]+$/.test(argument) ? escaped : `"${escaped}"`;
}
