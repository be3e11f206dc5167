import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { ConfigurationTarget, workspace } from 'vscode';
import { hostNames } from './commands/config-hosts.ts';
import { parseTarget } from './ssh/target.ts';

const section = 'porthole';

/** How to reach this machine's agent; undefined: as it does by default. */
export interface LocalSettings {
  readonly enabled: boolean;
  readonly socket?: string;
  readonly dataRoot?: string;
  readonly execRoot?: string;
}

/** The hosts that the user's settings name. The settings are the one list: what is added here is added there. */
export class HostSettings {
  targets(): readonly string[] {
    const value: unknown = workspace.getConfiguration(section).get('hosts');
    if (!Array.isArray(value)) return [];
    return [...new Set(value.filter((target): target is string => typeof target === 'string' && target.trim() !== ''))];
  }

  local(): LocalSettings {
    const settings = workspace.getConfiguration(`${section}.local`);
    const text = (name: string) => settings.get<string>(name, '').trim();
    const [socket, dataRoot, execRoot] = [text('socket'), text('dataRoot'), text('execRoot')];
    return {
      enabled: settings.get<boolean>('enabled', true),
      ...(socket && { socket }),
      ...(dataRoot && { dataRoot }),
      ...(execRoot && { execRoot }),
    };
  }

  /** @returns the id of the host. @throws invalid for what is no SSH host. */
  async add(target: string): Promise<string> {
    parseTarget(target);
    const targets = this.targets();
    if (!targets.includes(target)) await this.#write([...targets, target]);
    return sshHostId(target);
  }

  async remove(hostId: string): Promise<void> {
    await this.#write(this.targets().filter((target) => sshHostId(target) !== hostId));
  }

  /** Names of ~/.ssh/config that stand for one host each. */
  async configuredHosts(): Promise<readonly string[]> {
    try {
      return hostNames(await readFile(path.join(homedir(), '.ssh', 'config'), 'utf8'));
    } catch {
      // Nobody has to have one.
      return [];
    }
  }

  /** True when a change of settings may change the list of hosts. */
  static concerns(event: { affectsConfiguration(section: string): boolean }): boolean {
    return event.affectsConfiguration(`${section}.hosts`) || event.affectsConfiguration(`${section}.local`);
  }

  async #write(targets: readonly string[]): Promise<void> {
    await workspace.getConfiguration(section).update('hosts', targets, ConfigurationTarget.Global);
  }
}

export const sshHostId = (target: string): string => `ssh:${target}`;
