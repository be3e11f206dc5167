import { request } from 'node:http';
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';

/** A TLS connection to a host through an HTTP proxy's CONNECT. Rejects when the proxy refuses or does not answer. */
export async function tunnel(
  proxy: URL,
  target: { readonly host: string; readonly port: number },
  options: { readonly tls: ConnectionOptions; readonly patience: number; readonly signal: AbortSignal },
): Promise<TLSSocket> {
  const path = `${target.host}:${target.port}`;
  const socket = await new Promise<Socket>((resolve, reject) => {
    const asking = request({
      ...addressOf(proxy),
      method: 'CONNECT',
      path,
      headers: { Host: path, ...proxyHeaders(proxy) },
      signal: options.signal,
      timeout: options.patience,
    });
    asking.once('timeout', () => asking.destroy(new Error(`the proxy ${proxy.host} does not answer`)));
    asking.once('error', reject);
    asking.once('connect', (response, connected: Socket) => {
      if (response.statusCode === 200) return resolve(connected.setTimeout(0));
      connected.destroy();
      reject(new Error(`the proxy ${proxy.host} answered ${response.statusCode} ${response.statusMessage}`));
    });
    asking.end();
  });
  return connect({ ...options.tls, socket });
}

export const addressOf = (url: URL): { readonly host: string; readonly port: number } => ({
  host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
  port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
});

/** Who we are for a proxy whose address holds a name and a password. */
export function proxyHeaders({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const words = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(words).toString('base64')}` };
}
