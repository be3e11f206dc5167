import type { Host } from './contract.ts';

/** An answer of our agent that goes on until it is aborted. @param path from `/porthole/v1` on */
export function agentLines(host: Host, path: string, signal: AbortSignal): Promise<NodeJS.ReadableStream> {
  const options = { path, method: 'GET', isStream: true, abortSignal: signal, statusCodes: { 200: true } };
  return new Promise((resolve, reject) => {
    host.engine('porthole').modem.dial(options, (failure: unknown, stream: unknown) => {
      if (isReadable(stream)) resolve(stream);
      else reject(failure);
    });
  });
}

const isReadable = (value: unknown): value is NodeJS.ReadableStream =>
  typeof value === 'object' && value !== null && 'pipe' in value;
