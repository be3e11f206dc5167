import assert from 'node:assert/strict';
import type Dockerode from 'dockerode';
import * as vscode from 'vscode';
import { makeStarterImage, starterImage } from '../../../../scripts/starter-image.ts';
import type { PortholeApi } from '../../../../src/extension/extension.ts';
import { type EngineView, findHost, type ImageView } from '../../../../src/extension/fleet.ts';
import type { Host } from '../../../../src/extension/hosts/contract.ts';
import { TestAgent } from './agent.ts';
import { activated, settings, until } from './extension.ts';
import { loadImage } from './rows.ts';

/** This machine as a host of the extension, with an agent of the tests' own and the starter image. */
export interface ThisMachine {
  readonly api: PortholeApi;
  readonly host: Host;
  readonly docker: Dockerode;
  /** What the extension knows of the agent's engine. */
  engine(): EngineView | undefined;
  /** Resolves when the starter image is listed. */
  image(): Promise<ImageView>;
  end(): Promise<void>;
}

export async function connectThisMachine(): Promise<ThisMachine> {
  const { api, extension } = await activated();
  const agent = await TestAgent.start(extension.extensionPath);
  const { socket, dataRoot, execRoot } = agent.places;
  await settings({ 'local.socket': socket, 'local.dataRoot': dataRoot, 'local.execRoot': execRoot });
  await until('the fleet has the host anew', () => findHost(api.fleet, 'local'));
  await vscode.commands.executeCommand('porthole.host.connect', { type: 'host', hostId: 'local' });
  await until('the host is connected', () => findHost(api.fleet, 'local')?.host.state.kind === 'connected');
  const host = findHost(api.fleet, 'local')?.host ?? assert.fail('no host');
  const docker = host.engine('porthole');
  await loadImage(docker, await makeStarterImage());
  const engine = () => findHost(api.fleet, 'local')?.engines.find((view) => view.engine === 'porthole');
  return {
    api,
    host,
    docker,
    engine,
    image: () => until('the image is listed', () => engine()?.images.find(({ tags }) => tags.includes(starterImage))),
    end: async () => {
      for (const { Id } of await docker.listContainers({ all: true }))
        await docker.getContainer(Id).remove({ force: true });
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      await host.disconnect();
      await agent.stop();
      await settings({ 'local.socket': undefined, 'local.dataRoot': undefined, 'local.execRoot': undefined });
    },
  };
}
