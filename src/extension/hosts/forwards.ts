import net from 'node:net';
import type { Disposable } from '../../base/lifetime.ts';
import type { Host } from './contract.ts';

/** Ports of this computer that lead to ports of hosts, each for as long as the window lives. */
export class Forwards implements Disposable {
  readonly #open = new Map<string, { readonly server: net.Server; readonly port: Promise<number> }>();

  /** The port of this computer's loopback that leads to one of a host's. */
  async to(host: Host, port: number): Promise<number> {
    // This machine's are there already.
    if (host.id === 'local') return port;
    const key = `${host.id}:${port}`;
    const known = this.#open.get(key);
    if (known) return known.port;
    const server = net.createServer({ allowHalfOpen: true }, (near) => join(near, host, port));
    const listening = new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        if (typeof address === 'object' && address) resolve(address.port);
        else reject(new Error('a server without a port'));
      });
    });
    this.#open.set(key, { server, port: listening });
    listening.catch(() => this.#open.delete(key));
    return listening;
  }

  dispose(): void {
    for (const { server } of this.#open.values()) server.close();
    this.#open.clear();
  }
}

/** Each direction ends by itself; a broken one takes the other with it. */
function join(near: net.Socket, host: Host, port: number): void {
  near.on('error', () => near.destroy());
  try {
    const far = host.dialPort(port);
    far.on('error', () => near.destroy());
    near.once('close', () => far.destroy());
    near.pipe(far).pipe(near);
  } catch {
    // The host is not connected: who opens the page is told by its browser.
    near.destroy();
  }
}
