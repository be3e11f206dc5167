import { PortholeError, phraseOf } from '../../base/errors.ts';
import { type Phrase, phrase } from '../../base/phrases.ts';
import type { EngineKind } from './contract.ts';

export const notConnected = (host: string) => new PortholeError('unavailable', phrase('{0} is not connected.', host));

export const channelLost = (host: string, cause?: unknown) =>
  new PortholeError(
    'unavailable',
    cause === undefined
      ? phrase('The connection to the agent on {0} was lost.', host)
      : phrase('The connection to the agent on {0} was lost: {1}.', host, phraseOf(cause)),
    { cause },
  );

export const channelSilent = (host: string, seconds: number) =>
  new PortholeError('unavailable', phrase('The agent on {0} did not answer for {1} s.', host, seconds));

export const noEngine = (host: string, kind: EngineKind, why: string) =>
  new PortholeError('unavailable', phrase('{0} does not answer on {1}: {2}.', engineName(kind), host, why));

export const noPort = (host: string, port: number, why: string) =>
  new PortholeError('unavailable', phrase('Nothing answers on port {0} of {1}: {2}.', port, host, why));

export const agentDidNotStart = (host: string, text: string | Phrase) =>
  new PortholeError(
    'unavailable',
    phrase('The agent did not start on {0}: {1}', host, text || phrase('it said nothing.')),
  );

export const notLinux = (host: string, system: string) =>
  new PortholeError('unsupported', phrase('{0} runs {1}; containers need Linux.', host, system));

export const unknownCpu = (host: string, cpu: string) =>
  new PortholeError(
    'unsupported',
    phrase('{0} has a {1} processor; Porthole brings an agent for x86_64 and aarch64.', host, cpu),
  );

export const noSuitableNode = (host: string, why: string | Phrase) =>
  new PortholeError(
    'unavailable',
    phrase('{0} has no Node 20 or newer, and it cannot be brought there: {1}', host, why),
  );

export const uploadFailed = (host: string, file: string, why: string | Phrase) =>
  new PortholeError('unavailable', phrase('{0} could not be copied to {1}: {2}', file, host, why));

export const agentOfAnother = (host: string) =>
  new PortholeError('forbidden', phrase('The agent on {0} belongs to another user, who alone may use it.', host));

export const tooLarge = (path: string, limit: number) =>
  new PortholeError('invalid', phrase('{0} is larger than {1} bytes.', path, limit));

export const badAnswer = (path: string, why: string) =>
  new PortholeError('internal', phrase('The agent’s answer to {0} cannot be read: {1}', path, why));

/** What a refusal says: engines and the bridge explain themselves in JSON, `{"message": ...}`. */
export function wordsOf(answer: string): string {
  try {
    const parsed: unknown = JSON.parse(answer);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed) return String(parsed.message);
  } catch {
    // A plain text is a message too.
  }
  return answer.trim();
}

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
