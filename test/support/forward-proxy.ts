import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';

/** A proxy as HTTP_PROXY names one, which knows a few hosts only: each stands for a server of this machine. */
export class ForwardProxy {
  /** 127.0.0.1:PORT */
  readonly host: string;
  /** What it was asked for: 'GET HOST' or 'CONNECT HOST'. */
  readonly seen: string[] = [];
  readonly #server: Server;
  readonly #tunnels = new Set<Socket>();

  private constructor(server: Server, port: number, hosts: ReadonlyMap<string, string>) {
    this.#server = server;
    this.host = `127.0.0.1:${port}`;
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const url = URL.parse(incoming.url ?? '');
      this.seen.push(`${incoming.method} ${url?.host}`);
      const target = hosts.get(url?.host ?? '');
      if (url === null || target === undefined) outgoing.writeHead(502).end();
      else pass({ url, target, incoming, outgoing });
    });
    server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
      this.seen.push(`CONNECT ${incoming.url}`);
      this.#tunnels.add(socket);
      const target = hosts.get(`tls ${incoming.url}`);
      if (target === undefined) socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      else tunnel(socket, target);
      socket.on('error', () => undefined);
    });
  }

  /** @param hosts from the HOST:PORT that is asked for to the HOST:PORT that answers; 'tls HOST:PORT' for a tunnel. */
  static async start(hosts: ReadonlyMap<string, string>): Promise<ForwardProxy> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    return new ForwardProxy(server, typeof address === 'object' && address !== null ? address.port : 0, hosts);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    // A tunnel is no connection of HTTP's any more.
    for (const socket of this.#tunnels) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function pass(of: { url: URL; target: string; incoming: IncomingMessage; outgoing: ServerResponse }): void {
  const { url, target, incoming, outgoing } = of;
  const [host, port] = target.split(':');
  // With the name that was asked for: the addresses in its answers are of that name.
  const headers = { ...incoming.headers, host: url.host };
  const asked = request(
    { host, port, method: incoming.method, path: `${url.pathname}${url.search}`, headers, agent: false },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  asked.on('error', () => outgoing.destroy());
  incoming.pipe(asked);
}

function tunnel(socket: Socket, target: string): void {
  const [host, port] = target.split(':');
  const far = connect(Number(port), host, () => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    far.pipe(socket);
    socket.pipe(far);
  });
  far.on('error', () => socket.destroy());
  socket.on('close', () => far.destroy());
}
