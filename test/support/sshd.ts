import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../scripts/processes.ts';

const run = promisify(execFile);

export interface SshdOptions {
  /** Further lines of sshd_config. */
  readonly config?: readonly string[];
  /** Environment of those who log in, besides HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** Key types of the server; the first is what `rekey` makes anew. */
  readonly hostKeyTypes?: readonly ('ed25519' | 'rsa' | 'ecdsa')[];
}

/** A real OpenSSH server on a loopback port, with keys, configuration and home directory of its own. */
export interface Sshd {
  readonly port: number;
  /** Holds everything; removed by `stop`. */
  readonly dir: string;
  /** HOME of those who log in. */
  readonly home: string;
  readonly user: string;
  /** Public host key files. */
  readonly hostKeys: readonly string[];
  /** A private key without passphrase that is let in. */
  readonly clientKey: string;
  readonly authorizedKeys: string;
  /** known_hosts with the right host keys in it. */
  readonly knownHosts: string;
  /** Client configuration with `Host sshd` that uses all of these and nothing of the user's. */
  readonly configFile: string;
  /** Makes a new host key (known_hosts stays as it is) and starts anew on the same port. */
  rekey(): Promise<void>;
  /** Ends the processes that serve the present connections, as a broken network would. */
  cut(): Promise<number>;
  /** What it logged. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

/** Why no sshd can be started here; undefined when it can. */
export function sshdMissing(): string | undefined {
  if (!existsSync('/usr/sbin/sshd')) return 'sshd is not installed';
  return process.getuid?.() === 0 ? undefined : 'sshd needs root to let anybody in';
}

export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'porthole-sshd-'));
  try {
    return await startIn(dir, options);
  } catch (failure) {
    await rm(dir, { recursive: true, force: true });
    throw failure;
  }
}

async function startIn(dir: string, options: SshdOptions): Promise<Sshd> {
  const home = path.join(dir, 'home');
  const types = options.hostKeyTypes ?? ['ed25519'];
  const keyFiles = types.map((type) => path.join(dir, `host_${type}`));
  const clientKey = path.join(dir, 'client');
  const authorizedKeys = path.join(dir, 'authorized_keys');
  const knownHosts = path.join(dir, 'known_hosts');
  const configFile = path.join(dir, 'config');
  const log = path.join(dir, 'sshd.log');
  const port = await freePort();
  const user = os.userInfo().username;

  await mkdir(home, { mode: 0o700 });
  // sshd's own empty directory; a service start would make it.
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  await Promise.all([
    makeKey(clientKey, 'ed25519'),
    ...keyFiles.map((file, index) => makeKey(file, types[index] ?? 'ed25519')),
  ]);
  await writeFile(authorizedKeys, await readFile(`${clientKey}.pub`), { mode: 0o600 });
  const lines = await Promise.all(
    keyFiles.map(
      async (file) =>
        `[127.0.0.1]:${port} ${(await readFile(`${file}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ')}\n`,
    ),
  );
  await writeFile(knownHosts, lines.join(''));
  await writeFile(
    path.join(dir, 'sshd_config'),
    [
      // First, since sshd keeps the first value that it reads.
      ...(options.config ?? []),
      'ListenAddress 127.0.0.1',
      `Port ${port}`,
      ...keyFiles.map((file) => `HostKey ${file}`),
      `AuthorizedKeysFile ${authorizedKeys}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin yes',
      'PidFile none',
      'PrintMotd no',
      // One line: sshd reads only the first SetEnv.
      `SetEnv ${Object.entries({ HOME: home, ...options.env })
        .map(([name, value]) => `${name}=${value}`)
        .join(' ')}`,
      'LogLevel VERBOSE',
      '',
    ].join('\n'),
  );
  await writeFile(
    configFile,
    [
      'Host sshd',
      '  HostName 127.0.0.1',
      `  Port ${port}`,
      `  User ${user}`,
      `  IdentityFile ${clientKey}`,
      '  IdentitiesOnly yes',
      '  IdentityAgent none',
      `  UserKnownHostsFile ${knownHosts}`,
      '  GlobalKnownHostsFile /dev/null',
      '  StrictHostKeyChecking ask',
      '',
    ].join('\n'),
  );

  let daemon = await start(dir, log, port);
  const end = async () => {
    await cut(daemon);
    if (daemon.exitCode === null && daemon.signalCode === null) {
      daemon.kill('SIGTERM');
      await once(daemon, 'exit');
    }
  };
  return {
    port,
    dir,
    home,
    user,
    hostKeys: keyFiles.map((file) => `${file}.pub`),
    clientKey,
    authorizedKeys,
    knownHosts,
    configFile,
    rekey: async () => {
      await end();
      const file = keyFiles[0] ?? '';
      await rm(file);
      await makeKey(file, types[0] ?? 'ed25519');
      daemon = await start(dir, log, port);
    },
    cut: () => cut(daemon),
    log: () => readFile(log, 'utf8'),
    stop: async () => {
      await end();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** @param passphrase empty for none */
export async function makeKey(
  file: string,
  type: string,
  passphrase = '',
  format: readonly string[] = [],
): Promise<void> {
  const bits = type === 'rsa' ? ['-b', '2048'] : [];
  await run('ssh-keygen', [
    '-q',
    '-t',
    type,
    ...bits,
    ...format,
    '-N',
    passphrase,
    '-C',
    path.basename(file),
    '-f',
    file,
  ]);
}

async function start(dir: string, log: string, port: number): Promise<ChildProcess> {
  const daemon = spawn('/usr/sbin/sshd', ['-D', '-f', path.join(dir, 'sshd_config'), '-E', log], { stdio: 'ignore' });
  const ended = once(daemon, 'exit');
  for (;;) {
    const socket = net.connect(port, '127.0.0.1');
    const answered = await Promise.race([
      once(socket, 'data').then(() => true),
      once(socket, 'error')
        .catch(() => undefined)
        .then(() => false),
      ended.then(async () => {
        throw new Error(`sshd ended: ${await readFile(log, 'utf8').catch(() => 'no log')}`);
      }),
    ]).catch((failure) => {
      if (failure instanceof Error && failure.message.startsWith('sshd ended')) throw failure;
      return false;
    });
    socket.destroy();
    if (answered) return daemon;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Kills the children of the daemon, which are one per connection, and waits until they are gone. */
async function cut(daemon: ChildProcess): Promise<number> {
  const children = daemon.pid === undefined ? [] : await descendantsNamedSshd(daemon.pid);
  for (const pid of children) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  return children.length;
}

async function descendantsNamedSshd(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const found: number[] = [];
  for (const child of text.split(' ').filter(Boolean).map(Number)) {
    const name = await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '');
    if (name.startsWith('sshd')) found.push(...(await descendantsNamedSshd(child)), child);
  }
  return found;
}
