import type { Host } from './contract.ts';

export interface LinesRequest {
  /** From `/porthole/v1` on. */
  readonly path: string;
  readonly query: Readonly<Record<string, number>>;
}

/** An answer of our agent that goes on until it is aborted. */
export function agentLines(
  host: Host,
  { path, query }: LinesRequest,
  signal: AbortSignal,
): Promise<NodeJS.ReadableStream> {
  // The modem takes the last character from a path with a query of its own: it is to make the query itself.
  const asked = { path: `${path}?`, options: { ...query } };
  const options = { ...asked, method: 'GET', isStream: true, abortSignal: signal, statusCodes: { 200: true } };
  return new Promise((resolve, reject) => {
    host.engine('porthole').modem.dial(options, (failure: unknown, stream: unknown) => {
      if (isReadable(stream)) resolve(stream);
      else reject(failure);
    });
  });
}

const isReadable = (value: unknown): value is NodeJS.ReadableStream =>
  typeof value === 'object' && value !== null && 'pipe' in value;
