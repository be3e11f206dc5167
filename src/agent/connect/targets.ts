import type { Hello } from '../../protocol/porthole.ts';
import { productVersion } from '../../protocol/version.ts';
import { engineSockets } from '../sys/engine-sockets.ts';
import type { BridgeTargets } from './bridge.ts';
import { askRunning } from './running-agent.ts';

/** Paths of sockets; `docker` and `podman` replace the usual places. */
export interface SocketPaths {
  readonly socket: string;
  readonly docker?: string;
  readonly podman?: string;
}

/** Where a bridge leads, and who is there: the agent that runs already may be of another version than the bridge. */
export async function bridgeTargets(paths: SocketPaths): Promise<BridgeTargets> {
  const { docker, podman } = engineSockets(paths);
  return {
    sockets: new Map([
      ['porthole', [paths.socket]],
      ['docker', docker],
      ['podman', podman],
    ]),
    hello: {
      ...(await whoAnswers(paths.socket)),
      platform: process.platform,
      arch: process.arch,
      socket: paths.socket,
    },
  };
}

/** The agent's own words; the bridge's when no agent answers. */
async function whoAnswers(socket: string): Promise<Pick<Hello, 'version' | 'pid' | 'node'>> {
  const own = { version: productVersion, pid: process.pid, node: process.version };
  // Without --start there may be no agent; the streams to it then say so.
  const running = await askRunning(socket).catch(() => undefined);
  return running === undefined ? own : { version: running.version, pid: running.pid, node: running.node };
}
