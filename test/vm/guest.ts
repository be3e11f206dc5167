import { basename, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type Dockerode from 'dockerode';
import { build } from 'esbuild';
import { cacheDir, distDir } from '../../scripts/paths.ts';
import { run } from '../../scripts/processes.ts';
import { makeStarterImage, starterImage } from '../../scripts/starter-image.ts';
import { readAgentFiles } from '../../src/extension/hosts/agent-files.ts';
import { NpmNodeRuntime } from '../../src/extension/hosts/node-runtime.ts';
import { SshHost } from '../../src/extension/hosts/ssh.ts';
import { SshConnector } from '../../src/extension/ssh/connector.ts';
import { ScriptedUser } from '../support/ssh-services.ts';
import { startVirtualMachine, type VirtualMachine, type VmUser } from '../support/virtual-machine.ts';

const never = new AbortController().signal;

/** The agent in a virtual machine, brought there and reached as the extension does it. */
export interface Guest {
  readonly machine: VirtualMachine;
  readonly host: SshHost;
  /** Of the present connection. */
  docker(): Dockerode;
  /** Connects again after the machine or the agent went away. */
  reconnect(): Promise<void>;
  create(script: string, options?: Dockerode.ContainerCreateOptions): Promise<Dockerode.Container>;
  /** The container's own words, once it has ended. */
  said(container: Dockerode.Container): Promise<string>;
  /** Runs a command inside; its output. */
  inside(container: Dockerode.Container, script: string): Promise<string>;
  /** Bundles a program of ours into one file and brings it there; its path. */
  bring(entry: string): Promise<string>;
  /** Runs a program with the Node that was brought there; what it said. */
  node(program: string, args: readonly string[]): Promise<string>;
  /** `/porthole/v1` of the agent. */
  porthole(path: string): Promise<unknown>;
  stop(): Promise<void>;
}

/** For the Node that hosts get. */
const forNode = { platform: 'node', target: 'node20', format: 'cjs', logLevel: 'warning' } as const;

export async function startGuest(): Promise<Guest> {
  const machine = await startVirtualMachine();
  try {
    return await connectGuest(machine, 'vm');
  } catch (failure) {
    await machine.stop();
    throw failure;
  }
}

/**
 * The engine that a login as one of the guest's users gets, with the starter image.
 * @param agentDirectory what an extension brings there
 */
export async function connectGuest(
  machine: VirtualMachine,
  target: 'vm' | VmUser,
  agentDirectory = join(distDir, 'agent'),
): Promise<Guest> {
  const registry = (await run('npm', ['config', 'get', 'registry'], { quiet: true })).trim().split('\n').at(-1) ?? '';
  const host = new SshHost(
    { id: target, target },
    {
      connector: new SshConnector(new ScriptedUser(), { configFile: machine.configFile }),
      files: () => readAgentFiles(agentDirectory),
      node: new NpmNodeRuntime({ storage: join(cacheDir, 'node'), registry }),
    },
  );
  await connected(host);
  await text(await host.engine('porthole').loadImage(Readable.from([await makeStarterImage()]), {}));
  return guest(machine, host);
}

/** Where several processors are computed by one that has more to do, an agent may take longer than a user would wait. */
async function connected(host: SshHost): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await host.connect(never);
    } catch (failure) {
      if (tries === 3) throw failure;
    }
  }
}

function guest(machine: VirtualMachine, host: SshHost): Guest {
  const docker = () => host.engine('porthole');
  const outputOf = async (stream: NodeJS.ReadableStream): Promise<string> => {
    const out = new PassThrough();
    docker().modem.demuxStream(stream, out, out);
    stream.once('end', () => out.end());
    return text(out);
  };
  return {
    machine,
    host,
    docker,
    async reconnect() {
      await host.disconnect();
      await connected(host);
    },
    create: (script, options = {}) =>
      docker().createContainer({
        Image: starterImage,
        Cmd: ['sh', '-c', script],
        ...options,
        HostConfig: { NetworkMode: 'none', ...options.HostConfig },
      }),
    async said(container) {
      return outputOf(Readable.from([await container.logs({ follow: false, stdout: true, stderr: true })]));
    },
    async inside(container, script) {
      const exec = await container.exec({ Cmd: ['sh', '-c', script], AttachStdout: true, AttachStderr: true });
      return outputOf(await exec.start({}));
    },
    async bring(entry) {
      const { outputFiles } = await build({
        entryPoints: [entry],
        bundle: true,
        write: false,
        minify: true,
        ...forNode,
      });
      const path = `/root/${basename(entry, '.ts')}.cjs`;
      // An argument has room for 128 KiB.
      const packed = gzipSync(outputFiles[0]?.contents ?? '').toString('base64');
      await machine.run(`echo ${packed} | base64 -d | gunzip > ${path}`);
      return path;
    },
    node: (program, args) =>
      machine.run(`/root/.porthole/node/*/node ${program} ${args.map((word) => `'${word}'`).join(' ')}`),
    porthole: (path) => host.porthole(path),
    async stop() {
      await host.disconnect();
      await machine.stop();
    },
  };
}
