import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import * as v from 'valibot';
import { ConfigurationTarget, workspace } from 'vscode';
import { hostNames } from './commands/config-hosts.ts';
import { parseTarget } from './ssh/target.ts';

const section = 'porthole';

const Text = v.pipe(v.string(), v.trim(), v.minLength(1));
const SshEntry = v.union([
  v.pipe(
    Text,
    v.transform((target) => ({ target })),
  ),
  v.object({
    target: Text,
    label: v.exactOptional(Text),
    dataRoot: v.exactOptional(Text),
    execRoot: v.exactOptional(Text),
    socket: v.exactOptional(Text),
  }),
]);

/** One entry of `porthole.hosts`: a target as ssh takes it, and where its agent keeps things when not in the usual places. */
export interface SshSetting {
  readonly target: string;
  readonly label?: string;
  readonly dataRoot?: string;
  readonly execRoot?: string;
  readonly socket?: string;
}

/** How to reach this machine's agent; what is absent is as it is by default. */
export interface LocalSetting {
  readonly socket?: string;
  readonly dataRoot?: string;
  readonly execRoot?: string;
}

/** The hosts that the user's settings name. The settings are the one list: what is added here is added there. */
export class HostSettings {
  /** Entries that cannot be read are left out; the settings editor marks them. */
  ssh(): readonly SshSetting[] {
    const entries = this.#entries().map((entry) => v.safeParse(SshEntry, entry));
    const found = new Map<string, SshSetting>();
    for (const entry of entries) if (entry.success) found.set(entry.output.target, entry.output);
    return [...found.values()];
  }

  /** Undefined: this machine is not to be shown. */
  local(): LocalSetting | undefined {
    const settings = workspace.getConfiguration(`${section}.local`);
    if (!settings.get<boolean>('enabled', true)) return undefined;
    const text = (name: string) => settings.get<string>(name, '').trim();
    const [socket, dataRoot, execRoot] = [text('socket'), text('dataRoot'), text('execRoot')];
    return { ...(socket && { socket }), ...(dataRoot && { dataRoot }), ...(execRoot && { execRoot }) };
  }

  /** Instead of ~/.ssh/config. */
  sshConfigFile(): string | undefined {
    return workspace.getConfiguration(section).get<string>('ssh.configFile', '').trim() || undefined;
  }

  /** @returns the id of the host. @throws invalid for what is no SSH host. */
  async add(target: string): Promise<string> {
    parseTarget(target);
    if (!this.ssh().some((entry) => entry.target === target)) await this.#write([...this.#entries(), target]);
    return sshHostId(target);
  }

  async remove(hostId: string): Promise<void> {
    await this.#write(
      this.#entries().filter((entry) => {
        const read = v.safeParse(SshEntry, entry);
        return !read.success || sshHostId(read.output.target) !== hostId;
      }),
    );
  }

  /** Names of the SSH configuration that stand for one host each. */
  async configuredHosts(): Promise<readonly string[]> {
    try {
      return hostNames(await readFile(this.sshConfigFile() ?? path.join(homedir(), '.ssh', 'config'), 'utf8'));
    } catch {
      // Nobody has to have one.
      return [];
    }
  }

  /** True when a change of settings may change the list of hosts. */
  static concerns(event: { affectsConfiguration(section: string): boolean }): boolean {
    return ['hosts', 'local', 'ssh'].some((name) => event.affectsConfiguration(`${section}.${name}`));
  }

  #entries(): readonly unknown[] {
    const value: unknown = workspace.getConfiguration(section).get('hosts');
    return Array.isArray(value) ? value : [];
  }

  async #write(entries: readonly unknown[]): Promise<void> {
    await workspace.getConfiguration(section).update('hosts', entries, ConfigurationTarget.Global);
  }
}

export const sshHostId = (target: string): string => `ssh:${target}`;
