import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import type { Hello } from '../../protocol/porthole.ts';
import { productVersion } from '../../protocol/version.ts';
import type { BridgeTargets } from './bridge.ts';

/** Paths of sockets; `docker` and `podman` replace the usual places. */
export interface SocketPaths {
  readonly socket: string;
  readonly docker?: string;
  readonly podman?: string;
}

/** Where a bridge leads, and who is there: the agent that runs already may be of another version than the bridge. */
export async function bridgeTargets(paths: SocketPaths): Promise<BridgeTargets> {
  const runtime = process.env['XDG_RUNTIME_DIR'];
  const podman = ['/run/podman/podman.sock', ...(runtime ? [`${runtime}/podman/podman.sock`] : [])];
  return {
    sockets: new Map([
      ['porthole', [paths.socket]],
      ['docker', [paths.docker ?? '/var/run/docker.sock']],
      ['podman', paths.podman === undefined ? podman : [paths.podman]],
    ]),
    hello: {
      ...(await whoAnswers(paths.socket)),
      platform: process.platform,
      arch: process.arch,
      socket: paths.socket,
    },
  };
}

const Info = v.object({ version: v.string(), pid: v.number(), node: v.string() });

/** The agent's own words; the bridge's when no agent answers. */
async function whoAnswers(socket: string): Promise<Pick<Hello, 'version' | 'pid' | 'node'>> {
  const own = { version: productVersion, pid: process.pid, node: process.version };
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      request({ socketPath: socket, path: '/porthole/v1/info' }, (response) => {
        text(response).then(resolve, reject);
      })
        .once('error', reject)
        .end();
    });
    const info = v.safeParse(Info, JSON.parse(answer));
    return info.success ? info.output : own;
  } catch {
    // Without --start there may be no agent; the streams to it then say so.
    return own;
  }
}
