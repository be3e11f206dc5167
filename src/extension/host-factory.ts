import path from 'node:path';
import { type LogOutputChannel, l10n, type SecretStorage, type Uri } from 'vscode';
import { sshPrompts } from './commands/ssh-prompts.ts';
import type { HostSettings, LocalSetting, SshSetting } from './host-settings.ts';
import { readAgentFiles } from './hosts/agent-files.ts';
import type { Host } from './hosts/contract.ts';
import { LocalHost } from './hosts/local.ts';
import { NpmNodeRuntime } from './hosts/node-runtime.ts';
import { SshHost } from './hosts/ssh.ts';
import { HostModel } from './model/host-model.ts';
import { SshConnector } from './ssh/connector.ts';

export interface HostFactoryParts {
  readonly settings: HostSettings;
  readonly extensionUri: Uri;
  readonly storageUri: Uri;
  readonly secrets: SecretStorage;
  readonly log: LogOutputChannel;
}

/**
 * Makes hosts out of settings. This file is what brings ssh2 and dockerode into the process: it is imported when the
 * views are there already.
 */
export function hostFactory({ settings, extensionUri, storageUri, secrets, log }: HostFactoryParts) {
  const agentFolder = path.join(extensionUri.fsPath, 'dist', 'agent');
  const configFile = settings.sshConfigFile();
  const services = {
    connector: new SshConnector({ prompts: sshPrompts, secrets, log }, configFile ? { configFile } : {}),
    files: () => readAgentFiles(agentFolder),
    node: new NpmNodeRuntime({ storage: storageUri.fsPath }),
  };
  const modelled = (host: Host) => ({ host, source: new HostModel(host, { log }) });
  return {
    local: (places: LocalSetting) =>
      modelled(
        new LocalHost({
          label: l10n.t('This machine'),
          agent: path.join(agentFolder, 'porthole-agent.cjs'),
          ...places,
        }),
      ),
    ssh: (setting: SshSetting) => modelled(new SshHost({ id: setting.target, ...setting }, services)),
  };
}
