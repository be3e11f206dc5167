import { type Phrase, phrase } from '../../base/phrases.ts';
import type { SshConnector } from '../ssh/connector.ts';
import type { RemoteProgram, RemoteShell } from '../ssh/shell.ts';
import type { AgentFiles } from './agent-files.ts';
import { AgentChannel } from './channel.ts';
import { type Link, LinkedHost } from './linked-host.ts';
import type { NodeRuntimeSource } from './node-runtime.ts';
import { agentDidNotStart } from './problems.ts';
import { bringAgent } from './remote-agent.ts';
import { startCommand } from './remote-command.ts';

export interface SshHostOptions {
  /** Unique among the user's hosts; the host's id is `ssh:NAME`. */
  readonly id: string;
  readonly label?: string;
  /** `web`, `root@web:2222`, `ssh://...`: as SshConnector reads it. */
  readonly target: string;
  /** On the host; the agent's own defaults when absent. */
  readonly dataRoot?: string;
  readonly execRoot?: string;
  readonly socket?: string;
  /** On the host; where the other engines listen when not at their usual place. */
  readonly sockets?: Partial<Readonly<Record<'docker' | 'podman', string>>>;
}

export interface SshHostServices {
  readonly connector: SshConnector;
  /** Read when first needed: hashing them takes some milliseconds. */
  readonly files: () => Promise<AgentFiles>;
  readonly node: NodeRuntimeSource;
}

/** A Linux machine behind SSH. Nothing needs to be installed there. */
export class SshHost extends LinkedHost {
  constructor(options: SshHostOptions, services: SshHostServices) {
    super({
      id: `ssh:${options.id}`,
      label: options.label ?? options.id,
      open: (signal, progress) => open(options, services, { signal, progress }),
    });
  }
}

interface Opening {
  readonly signal: AbortSignal;
  readonly progress: (step: Phrase) => void;
}

async function open(options: SshHostOptions, services: SshHostServices, opening: Opening): Promise<Link> {
  const shell = await services.connector.connect(options.target, opening);
  try {
    const agent = await bringAgent(shell, { files: await services.files(), node: services.node, ...opening });
    opening.progress(phrase('Starting the agent on {0}', shell.where));
    const program = await startCommand(shell, {
      script: 'exec "$@"',
      args: [agent.node, agent.agent, 'connect', '--start', ...flags(options)],
      signal: opening.signal,
    });
    const channel = await openChannel(shell, program, opening.signal);
    // Whichever ends first takes the other along.
    shell.onDidClose((error) => channel.close(error));
    channel.onDidClose(() => shell.close());
    return channel;
  } catch (failure) {
    shell.close();
    throw failure;
  }
}

async function openChannel(shell: RemoteShell, program: RemoteProgram, signal: AbortSignal): Promise<AgentChannel> {
  const channel = new AgentChannel(program.stdio, { host: shell.where });
  try {
    await channel.hello(signal);
    return channel;
  } catch (failure) {
    channel.close();
    if (signal.aborted) throw failure;
    // The channel ended because the program did; the program says why.
    await program.exit;
    throw agentDidNotStart(shell.where, program.stderr().trim());
  }
}

function flags({ dataRoot, execRoot, socket, sockets }: SshHostOptions): string[] {
  return [
    ...(dataRoot === undefined ? [] : ['--data-root', dataRoot]),
    ...(execRoot === undefined ? [] : ['--exec-root', execRoot]),
    ...(socket === undefined ? [] : ['--host', `unix://${socket}`]),
    ...(sockets?.docker === undefined ? [] : ['--docker', sockets.docker]),
    ...(sockets?.podman === undefined ? [] : ['--podman', sockets.podman]),
  ];
}
