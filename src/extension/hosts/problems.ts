import { messageOf, PortholeError } from '../../base/errors.ts';
import type { EngineKind } from './contract.ts';

export const notConnected = (host: string) => new PortholeError('unavailable', `${host} is not connected`);

export const channelLost = (host: string, cause?: unknown) =>
  new PortholeError(
    'unavailable',
    `The connection to the agent on ${host} was lost${cause === undefined ? '' : `: ${messageOf(cause)}`}`,
    { cause },
  );

export const channelSilent = (host: string, seconds: number) =>
  new PortholeError('unavailable', `The agent on ${host} did not answer for ${seconds} s`);

export const noEngine = (host: string, kind: EngineKind, why: string) =>
  new PortholeError('unavailable', `${engineName(kind)} does not answer on ${host}: ${why}`);

export const agentDidNotStart = (host: string, text: string) =>
  new PortholeError('unavailable', `The agent did not start on ${host}: ${text || 'it said nothing'}`);

export const notLinux = (host: string, system: string) =>
  new PortholeError('unsupported', `${host} runs ${system}; containers need Linux`);

export const unknownCpu = (host: string, cpu: string) =>
  new PortholeError('unsupported', `${host} has a ${cpu} processor; Porthole brings an agent for x86_64 and aarch64`);

export const noSuitableNode = (host: string, why: string) =>
  new PortholeError('unavailable', `${host} has no Node 20 or newer, and it cannot be brought there: ${why}`);

export const uploadFailed = (host: string, file: string, why: string) =>
  new PortholeError('unavailable', `${file} could not be copied to ${host}: ${why}`);

export const needsRoot = (host: string) =>
  new PortholeError(
    'forbidden',
    `Starting the agent on ${host} needs root. Start it yourself (porthole-agent serve) or run VS Code's server as root.`,
  );

export const tooLarge = (path: string, limit: number) =>
  new PortholeError('invalid', `${path} is larger than ${limit} bytes`);

export const badAnswer = (path: string, why: string) =>
  new PortholeError('internal', `The agent's answer to ${path} cannot be read: ${why}`);

export function engineName(kind: EngineKind): string {
  switch (kind) {
    case 'porthole':
      return 'Porthole';
    case 'docker':
      return 'Docker';
    case 'podman':
      return 'Podman';
  }
}
