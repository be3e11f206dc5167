/**
 * A stand-in for porthole-agent with the same command line and wire protocol, for what a real engine cannot be made to
 * do on demand: endless answers, echoes, silence. Bundled by `fake-agent-files.ts` to one file that plain Node runs.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { parseArgs } from 'node:util';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    start: { type: 'boolean' },
    'data-root': { type: 'string' },
    'exec-root': { type: 'string' },
    host: { type: 'string' },
    docker: { type: 'string' },
    podman: { type: 'string' },
  },
});
const execRoot = values['exec-root'] ?? '/nowhere';
const socketPath = values.host?.replace('unix://', '') ?? path.join(execRoot, 'porthole.sock');
const sockets: Record<string, string> = {
  porthole: socketPath,
  docker: path.join(execRoot, 'docker.sock'),
  podman: path.join(execRoot, 'podman.sock'),
};

if (positionals[0] === 'serve') serve();
else if (positionals[0] === 'connect') void connect();
else process.exit(2);

function serve(): void {
  if (process.env['FAKE_AGENT_FAILS']) {
    console.error('porthole-agent: the data root is broken');
    process.exit(1);
  }
  mkdirSync(execRoot, { recursive: true });
  rmSync(socketPath, { force: true });
  const server = http.createServer(answer);
  server.on('upgrade', (request, socket, head) => {
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    // dockerode sends its options as a body, which Node leaves in front of the stream; here it comes in one piece.
    socket.unshift(head.subarray(Number(request.headers['content-length'] ?? 0)));
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
    // Half-closed by the client: say good-bye, then close.
    socket.on('end', () => socket.end('bye'));
  });
  server.listen(socketPath, () => console.log(`porthole-agent fake listening on ${socketPath}`));
  process.on('SIGTERM', () => process.exit(0));
}

function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://fake');
  const json = (value: unknown, status = 200) => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  switch (url.pathname) {
    case '/version':
      json({ Version: 'fake', ApiVersion: '1.47', KernelVersion: '6.0', Arch: 'amd64', Os: 'linux' });
      return;
    case '/containers/json':
      setTimeout(() => json([{ Id: 'c1', Names: ['/one'] }]), Number(url.searchParams.get('limit') ?? 0));
      return;
    case '/events':
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.flushHeaders();
      return;
    case '/porthole/v1/pid':
      json({ pid: process.pid });
      return;
    case '/porthole/v1/bytes': {
      const size = Number(url.searchParams.get('size'));
      response.writeHead(200, { 'Content-Length': size });
      response.end(Buffer.alloc(size, 7));
      return;
    }
    case '/porthole/v1/endless': {
      response.writeHead(200);
      const more = () => {
        while (response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
      return;
    }
    case '/porthole/v1/silence':
      return;
    default:
      json({ message: `No such thing: ${url.pathname}` }, 404);
  }
}

async function connect(): Promise<void> {
  if (!(await answers())) {
    const args = [process.argv[1] ?? '', 'serve', '--exec-root', execRoot, '--host', `unix://${socketPath}`];
    const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    let over = false;
    child.once('close', () => {
      over = true;
    });
    while (!(await answers())) {
      if (over) {
        process.stderr.write(said);
        process.exit(1);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    child.stderr.destroy();
    child.unref();
  }
  const server = http2.createServer({ settings: { initialWindowSize: 1 << 20 } });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    if (headers[':method'] !== 'CONNECT') {
      stream.respond({ ':status': 200 });
      const { pid, platform, arch, version: node } = process;
      stream.end(JSON.stringify({ version: 'fake', pid, platform, arch, node }));
      return;
    }
    const socket = net.connect({ path: sockets[headers[':authority'] ?? ''] ?? '', allowHalfOpen: true });
    socket.once('connect', () => {
      stream.respond({ ':status': 200 });
      stream.pipe(socket).pipe(stream);
    });
    socket.once('error', (error) => {
      if (stream.headersSent) stream.close(2);
      else if (!stream.destroyed) {
        stream.respond({ ':status': 502 });
        stream.end(error.message);
      }
    });
    stream.once('close', () => socket.destroy());
  });
  const stdio = Duplex.from({ readable: process.stdin, writable: process.stdout });
  server.emit('connection', stdio);
  stdio.once('close', () => process.exit(0));
}

function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(socketPath);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}
