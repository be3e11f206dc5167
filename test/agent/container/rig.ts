import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';

import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { createContainers } from '../../../src/agent/container/containers.ts';
import type { AttachOptions, ExecOptions, LogOptions } from '../../../src/agent/container/contract.ts';
import { type EngineEvent, EventHub } from '../../../src/agent/container/events.ts';
import type { HostFacts } from '../../../src/agent/plan/facts.ts';
import { createShims } from '../../../src/agent/shim/client.ts';
import type { Shims } from '../../../src/agent/shim/contract.ts';
import type { ImageStore } from '../../../src/agent/store/contract.ts';
import { openImageStore } from '../../../src/agent/store/disk-store.ts';
import { readHostFacts } from '../../../src/agent/sys/facts.ts';
import type { ContainerConfig, HostConfig } from '../../../src/protocol/docker.ts';
import { freshShim } from '../shim/rig.ts';

export const shimPath = freshShim();
const applets =
  'sh ls cat echo sleep true false id env mkdir rm touch chmod head tail yes hostname ps mount grep kill wc seq dd stat ln mv cp date usleep nproc readlink sort tr stty tty pwd printf test rmdir cut';

export interface Rig {
  readonly root: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly host: HostFacts;
  readonly shims: Shims;
  readonly images: ImageStore;
  readonly events: EngineEvent[];
  /** What an engine has said that it could not take over. */
  readonly problems: string[];
  containers: Awaited<ReturnType<typeof createContainers>>;
  /** A new engine on the same directories, as after a restart of the agent. */
  reopen(): Promise<void>;
  create(command: string[], options?: CreateExtras): Promise<string>;
  /** Creates and starts. */
  run(command: string[], options?: CreateExtras): Promise<string>;
  /** Creates, attaches, starts, waits: what `docker run` does. */
  output(command: string[], options?: CreateExtras): Promise<Finished>;
  exec(id: string, argv: string[], options?: Partial<ExecOptions>): Promise<Finished>;
  logs(id: string, options?: Partial<LogOptions>): Promise<{ stdout: string; stderr: string }>;
  eventsOf(id: string): string[];
  /** Kills what runs, removes everything. */
  close(): Promise<void>;
}

export interface CreateExtras {
  readonly name?: string;
  readonly config?: ContainerConfig;
  readonly hostConfig?: HostConfig;
  readonly input?: string;
}

export interface Finished {
  readonly id: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const never = new AbortController().signal;

/** An engine on temporary roots with one busybox image, `bb:latest`. */
export async function openRig(): Promise<Rig> {
  const root = await mkdtemp('/tmp/porthole-container-');
  const [dataRoot, execRoot] = [join(root, 'data'), join(root, 'exec')];
  const shims = createShims({ path: shimPath });
  const host = await readHostFacts();
  const images = await openImageStore({ root: dataRoot, shims });
  try {
    await images.importTar(createReadStream(await busyboxTar(root)), { reference: 'bb:latest', signal: never });
  } catch (failure) {
    await rm(root, { recursive: true, force: true });
    throw failure;
  }
  const events: EngineEvent[] = [];
  const problems: string[] = [];
  const report = (problem: string): void => void problems.push(problem);
  const hub = new EventHub(() => process.hrtime.bigint());
  hub.signal.on((event) => events.push(event));
  const open = () => createContainers({ dataRoot, execRoot, host, images, shims, events: hub, report });
  let containers = await open();
  const attachAll: AttachOptions = { stdin: true, stdout: true, stderr: true, logs: false, stream: true };
  const rig: Rig = {
    root,
    dataRoot,
    execRoot,
    host,
    shims,
    images,
    events,
    problems,
    get containers() {
      return containers;
    },
    set containers(next) {
      containers = next;
    },
    reopen: async () => {
      containers = await open();
    },
    create: async (command, options = {}) => {
      const created = await containers.create({
        ...(options.name ? { name: options.name } : {}),
        config: { Image: 'bb', Cmd: command, ...options.config },
        hostConfig: { NetworkMode: 'none', ...options.hostConfig },
      });
      return created.id;
    },
    run: async (command, options = {}) => {
      const id = await rig.create(command, options);
      await containers.start(id);
      return id;
    },
    output: async (command, options = {}) => {
      const input = options.input === undefined ? {} : { OpenStdin: true, StdinOnce: true };
      const id = await rig.create(command, { ...options, config: { ...input, ...options.config } });
      const { duplex, tty } = await containers.attach(id, attachAll);
      const collected = tty ? collectRaw(duplex) : collectFrames(duplex);
      const exit = containers.wait(id, 'next-exit', never);
      exit.catch(() => undefined);
      await containers.start(id);
      duplex.end(options.input);
      return { id, ...(await collected), exitCode: (await exit).exitCode };
    },
    exec: async (id, argv, options = {}) => {
      const { id: execId } = await containers.execCreate(id, {
        argv,
        env: [],
        tty: false,
        privileged: false,
        attachStdin: false,
        attachStdout: true,
        attachStderr: true,
        ...options,
      });
      const streams = await containers.execStart(execId, { detach: false, tty: options.tty ?? false });
      if (!streams) throw new Error('no streams');
      const collected = await (streams.tty ? collectRaw(streams.duplex) : collectFrames(streams.duplex));
      return { id: execId, ...collected, exitCode: containers.execInspect(execId).exitCode ?? -1 };
    },
    logs: async (id, options = {}) => {
      const { stream, tty } = containers.logs(id, {
        follow: false,
        stdout: true,
        stderr: true,
        timestamps: false,
        signal: never,
        ...options,
      });
      return tty ? collectRaw(stream) : collectFrames(stream);
    },
    eventsOf: (id) => events.filter((event) => event.id === id).map((event) => event.action),
    close: async () => {
      // A new engine knows everything there is, also when a test failed between two engines.
      await containers.shutdown();
      await rig.reopen();
      for (const record of containers.list()) {
        await containers.remove(record.id, { force: true, volumes: true }).catch(() => undefined);
      }
      await containers.shutdown();
      await rm(root, { recursive: true, force: true });
    },
  };
  return rig;
}

export async function collectFrames(stream: Readable | Duplex): Promise<{ stdout: string; stderr: string }> {
  let rest = Buffer.alloc(0);
  const found = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 8) {
      const size = rest.readUInt32BE(4);
      if (rest.length < 8 + size) break;
      found[rest[0] === 1 ? 'stdout' : 'stderr'].push(rest.subarray(8, 8 + size));
      rest = rest.subarray(8 + size);
    }
  }
  if (rest.length > 0) throw new Error(`the stream ended inside a frame: ${rest.length} bytes`);
  return { stdout: Buffer.concat(found.stdout).toString(), stderr: Buffer.concat(found.stderr).toString() };
}

export async function collectRaw(stream: Readable | Duplex): Promise<{ stdout: string; stderr: string }> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return { stdout: Buffer.concat(chunks).toString(), stderr: '' };
}

/** Waits for a condition; fails the test when it does not come true in time. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  milliseconds = 30_000,
): Promise<void> {
  const deadline = Date.now() + milliseconds;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Where a container's cgroups are that still exist. */
export async function cgroupsOf(host: HostFacts, id: string): Promise<string[]> {
  const roots = host.cgroup.version === 2 ? [host.cgroup.root] : host.cgroup.hierarchies.map((one) => one.root);
  const found: string[] = [];
  for (const root of roots) {
    const path = `${root}/porthole/${id}`;
    if (
      await readFile(`${path}/cgroup.procs`).then(
        () => true,
        () => false,
      )
    )
      found.push(path);
  }
  return found;
}

async function busyboxTar(root: string): Promise<string> {
  const tree = join(root, 'tree');
  for (const name of ['bin', 'etc', 'tmp', 'data/sub']) await mkdir(join(tree, name), { recursive: true });
  await copyFile('/bin/busybox', join(tree, 'bin/busybox'));
  await chmod(join(tree, 'bin/busybox'), 0o755);
  for (const applet of applets.split(' ')) await symlink('busybox', join(tree, 'bin', applet));
  await writeFile(
    join(tree, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nfred:x:1000:1000:Fred:/home/fred:/bin/sh\n',
  );
  await writeFile(join(tree, 'etc/group'), 'root:x:0:\nfred:x:1000:\nstaff:x:50:fred,root\n');
  await writeFile(join(tree, 'data/a'), 'hi\n');
  await writeFile(join(tree, 'data/sub/b'), 'hi\n');
  await chmod(join(tree, 'tmp'), 0o1777);
  const tar = join(root, 'root.tar');
  // Of another day: a file made anew within the same second would look unchanged.
  execFileSync('tar', ['-C', tree, '--mtime=@1700000000', '-cf', tar, '.']);
  await rm(tree, { recursive: true });
  return tar;
}
