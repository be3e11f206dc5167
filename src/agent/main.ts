import { mkdir, rm } from 'node:fs/promises';
import { homedir, release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { deferred } from '../base/async.ts';
import { messageOf, PortholeError } from '../base/errors.ts';
import type { AgentInfo } from '../protocol/porthole.ts';
import { portholeProtocol, productVersion } from '../protocol/version.ts';
import type { Engine } from './api/engine.ts';
import { listenOn } from './api/listen.ts';
import { createApiServer } from './api/server.ts';
import { openBuilder } from './build/builder.ts';
import { prepareParent } from './cgroup/parent.ts';
import { readUsageNow } from './cgroup/reading.ts';
import { serveBridge } from './connect/bridge.ts';
import { ensureAgent } from './connect/detached.ts';
import { removeOldVersions } from './connect/old-versions.ts';
import { askRunning } from './connect/running-agent.ts';
import { stdioChannel } from './connect/stdio.ts';
import { takeOver } from './connect/takeover.ts';
import { bridgeTargets } from './connect/targets.ts';
import { createContainers } from './container/containers.ts';
import { EventHub } from './container/events.ts';
import { readUserns, usernsInfo } from './container/userns.ts';
import { hasCgroups, unavailableWithoutRoot } from './container/without-root.ts';
import { openOtherEngines } from './engines/other-engines.ts';
import { cgroupLens } from './inspect/cgroups.ts';
import { describeHost } from './inspect/host.ts';
import { UsageRecorder } from './inspect/usage-recorder.ts';
import { defaultCgroupParent } from './plan/cgroup-path.ts';
import type { HostFacts } from './plan/facts.ts';
import { Certificates } from './registry/certificates.ts';
import { openRegistry } from './registry/client.ts';
import { RegistryHttp } from './registry/http.ts';
import { proxySettings } from './registry/proxy.ts';
import { runInUserns } from './rootless/enter.ts';
import { serviceCommand } from './service/command.ts';
import { delegatedCgroup } from './service/delegation.ts';
import { hostUnits, type UnitOwner, userUnits } from './service/owner.ts';
import { upgradeService } from './service/service.ts';
import { hasSystemd } from './service/systemd.ts';
import { userDelegation } from './service/user-delegation.ts';
import { isRoot, type Settings, serveCommand, serveOptions, settingsOf, UsageError } from './settings.ts';
import { createShims } from './shim/client.ts';
import { readLineages } from './shim/lineage.ts';
import { openImageStore, ownPlatform } from './store/disk-store.ts';
import { UnpackLimits } from './store/unpack-limits.ts';
import { writeDurable } from './sys/durable.ts';
import { engineSockets } from './sys/engine-sockets.ts';
import { readHostFacts } from './sys/facts.ts';
import { isHeld, takeProcessLock } from './sys/process-lock.ts';

const usage = `Usage:
  porthole-agent serve   [--data-root DIR] [--exec-root DIR] [--host unix://PATH] [--pidfile FILE] [--shim FILE]
                         [--cgroup-parent PATH] [--cpu-rt-period US] [--cpu-rt-runtime US]
                         [--init] [--log-driver NAME] [--log-opt KEY=VALUE]... [--history-days N]
                         [--userns-remap default|auto|USER[:GROUP]] [--take-over]
                         [--insecure-registry HOST[:PORT]|CIDR]... [--registry-mirror URL]... [--registry-ca DIR]
                         [--max-concurrent-downloads N] [--max-concurrent-uploads N] [--max-download-attempts N]
                         [--max-layer-size BYTES]
                         [--docker PATH] [--podman PATH] [--podman-root DIR]
  porthole-agent connect [--start] [--data-root DIR] [--exec-root DIR] [--host unix://PATH] [--shim FILE]
                         [--cgroup-parent PATH] [--docker PATH] [--podman PATH] [--podman-root DIR]
  porthole-agent service install|uninstall|status [--user] [options of serve]
  porthole-agent version

serve    runs the agent in the foreground. SIGTERM ends it; its containers go on.
         With --take-over it follows the agent that runs on the same roots.
         With --max-layer-size, such as 10g, what unpacks to more is refused; the default is 100g. What looks like a bomb
         (over 256 MB, a hundredth of it or less when packed) is refused when little of the disk is left, too.
connect  is a bridge: HTTP/2 on standard input and output leads to the agent's and other engines' sockets.
         With --start the agent is started, detached, when it does not answer, and an older one is replaced.
service  has systemd start the agent with the host, so that containers with a restart policy come back after a reboot.
         With --user it is a service of the user who installs it.
`;

const program = fileURLToPath(import.meta.url);

/** Milliseconds that requests get to be answered before the agent ends. */
const drainTime = 300;

const alreadyRuns = (dataRoot: string, pid: number) =>
  new PortholeError('conflict', `an agent (pid ${pid}) runs on ${dataRoot} already`);

async function main(args: readonly string[]): Promise<void> {
  const [command, ...rest] = args;
  switch (command) {
    case 'serve':
      return serve(settingsOf(rest, { program, allowed: serveOptions }));
    case 'service':
      return service(rest);
    case 'connect':
      return connect(settingsOf(rest, { program, allowed: ['start', 'docker', 'podman', 'podman-root'] }));
    case 'version':
    case '--version':
      console.log(`porthole-agent ${productVersion}`);
      return;
    case 'help':
    case '--help':
      console.log(usage);
      return;
    case undefined:
      throw new UsageError('a command is missing');
    default:
      throw new UsageError(`unknown command ${JSON.stringify(command)}`);
  }
}

async function service([action, ...rest]: readonly string[]): Promise<void> {
  const settings = settingsOf(rest, { program, allowed: [...serveOptions, 'user'] });
  if (settings.user && isRoot()) throw new UsageError('--user is for other users than root');
  const owner = settings.user ? ownUnits() : hostUnits();
  const command = serveCommand(settings, { takeOver: true });
  const whoServes = () => askRunning(settings.socket);
  console.log(await serviceCommand(action, { ...settings, owner, command, whoServes }));
}

/** The units of whoever runs this program. */
const ownUnits = (): UnitOwner => (isRoot() ? hostUnits() : userUnits(process.env, homedir()));

/** The composition root: what the agent is made of, from the lock to the socket. */
async function serve(settings: Settings): Promise<void> {
  const { dataRoot, execRoot, socket } = settings;
  if (!isRoot()) return serveWithoutRoot(settings);
  // What lives is a few megabytes: V8 would let several times as much of what is dead lie beside it. A Node without the flag
  // says so and goes on.
  setFlagsFromString('--heap-growing-percent=30');
  await mkdir(dataRoot, { recursive: true, mode: 0o700 });
  await mkdir(execRoot, { recursive: true, mode: 0o711 });
  const ready = deferred<Engine>();
  const api = createApiServer(ready.promise, {
    onFailure: (what, failure) => console.error(`${new Date().toISOString()} ${what}: ${stackOf(failure)}`),
  });
  const taken = await takeProcessLock(dataRoot, 'agent.lock');
  if (isHeld(taken) && !settings.takeOver) throw alreadyRuns(dataRoot, taken.pid);
  const lock = isHeld(taken)
    ? // Clients of the one before find a socket all the time; they are answered once its containers are ours.
      await takeOver(dataRoot, { socket, holder: taken, onFree: () => listenOn(api.http, socket) })
    : taken;

  const cgroupParent = settings.cgroupParent ?? settings.delegated ?? (await delegated(dataRoot));
  const parent = cgroupParent === undefined ? {} : { cgroupParent };
  const host = await hostWithLimits(await readHostFacts(parent), { ...settings, ...parent });
  const shims = createShims({ path: settings.shim, spares: true });
  const events = new EventHub(nanosecondClock());
  const platform = ownPlatform();
  const images = await openImageStore({
    root: dataRoot,
    platform,
    shims,
    rootless: host.rootless !== undefined,
    limits: new UnpackLimits({
      directory: dataRoot,
      ...(settings.maxLayerSize !== undefined && { most: settings.maxLayerSize }),
    }),
    report: (problem) => console.error(problem),
  });
  const registry = await openRegistry({
    root: dataRoot,
    images,
    options: settings.registry,
    platform,
    env: process.env,
  });
  const { defaults, historyDays } = settings;
  const report = (problem: string): void => console.error(problem);
  const userns = await readUserns(settings.usernsRemap, host);
  const parts = {
    dataRoot,
    execRoot,
    host,
    images,
    shims,
    events,
    defaults,
    userns,
    report,
    ...(historyDays !== undefined && { historyDays }),
  };
  const containers = await createContainers({ ...parts, ...parent });
  const web = new RegistryHttp({
    certificates: new Certificates(settings.registry.certificates, process.env['SSL_CERT_FILE']),
    proxies: proxySettings(process.env),
  });
  const fetch = (url: string, signal: AbortSignal) => web.send({ method: 'GET', url, signal });
  const builder = await openBuilder({ ...parts, containers, source: registry, fetch });
  const agent: AgentInfo = {
    version: productVersion,
    protocol: portholeProtocol,
    pid: process.pid,
    dataRoot,
    execRoot,
    socket,
    node: process.version,
    platform: process.platform,
    architecture: process.arch,
    kernel: release(),
    cgroupVersion: host.cgroup.version,
    cgroups: hasCgroups(host),
    rootless: host.rootless !== undefined,
    userns: usernsInfo(userns, host.rootless),
    unavailable: unavailableWithoutRoot(host, settings.undelegated),
    options: settings.options,
    startedAt: new Date().toISOString(),
  };
  const recorder = new UsageRecorder({
    running: () => containers.liveCgroups(),
    isThere: (id) => containers.list().some((container) => container.id === id),
    read: (path) => readUsageNow(host.cgroup, path),
    now: Date.now,
  });
  const turns = new Set(['start', 'die', 'oom', 'update', 'pause', 'unpause', 'destroy']);
  events.signal.on(({ type, action, id }) => {
    if (type === 'container' && turns.has(action)) recorder.note(id);
  });
  recorder.start();
  const retired = deferred<void>();
  const deaf = deferred<void>();
  const engine: Engine = {
    containers,
    images,
    registry,
    volumes: containers.volumes,
    builder,
    events,
    agent,
    ...(defaults.logConfig?.Type && { loggingDriver: defaults.logConfig.Type }),
    retire: () => {
      retired.resolve();
      return deaf.promise;
    },
    describeHost: () => describeHost(host, dataRoot),
    engines: await openOtherEngines({
      directory: join(dataRoot, 'engines'),
      sockets: engineSockets(settings),
      podmanRoot: settings.podmanRoot,
      shims,
      host,
    }),
    usage: recorder,
    cgroups: cgroupLens(host.cgroup, (id) => containers.list().some((container) => container.id === id)),
    readLineages: (paths) => readLineages(shims, paths),
  };
  ready.resolve(engine);
  if (!api.http.listening) await listenOn(api.http, socket);
  if (settings.pidfile !== undefined) await writeDurable(settings.pidfile, `${process.pid}\n`, { mode: 0o644 });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => retired.resolve());
  // Whoever started the agent may be gone when it says something.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  // A promise that nobody waited for: worth telling, no reason to leave everybody else without an agent.
  process.on('unhandledRejection', (failure) => console.error(`unhandled: ${stackOf(failure)}`));
  console.log(`porthole-agent ${productVersion} listening on ${socket}`);
  await retired.promise;

  const drained = api.drain(drainTime);
  // Closing has removed the socket's name; what is there from now on is the successor's.
  deaf.resolve();
  await drained;
  await recorder.close();
  await builder.settled();
  await containers.shutdown();
  await api.close();
  await shims.close();
  if (settings.pidfile !== undefined) await rm(settings.pidfile, { force: true });
  await lock.release();
  // Connections to shims and timers of restarts do not keep an agent that was asked to end.
  process.exit(0);
}

/** The cgroup that systemd leaves to us. A host where it does not answer is served as one without it. */
async function delegated(dataRoot: string): Promise<string | undefined> {
  const { cgroup } = await readHostFacts();
  if (cgroup.version === 1 || !(await hasSystemd())) return undefined;
  const { systemd, unitNames } = hostUnits();
  const unit = unitNames(dataRoot).containers;
  return delegatedCgroup(systemd, { unit, mount: cgroup.root, pids: [process.pid] }).catch((failure: unknown) => {
    console.error(`systemd delegates no cgroup: ${messageOf(failure)}`);
    return undefined;
  });
}

/** A machine that lets us make no cgroups is no reason to show nothing of it: what is started says what it lacks. */
async function hostWithLimits(
  host: HostFacts,
  { cgroupParent, realtime }: Pick<Settings, 'cgroupParent' | 'realtime'>,
): Promise<HostFacts> {
  try {
    const limitFiles = await prepareParent(host.cgroup, cgroupParent ?? defaultCgroupParent, { realtime });
    return { ...host, limitFiles };
  } catch (failure) {
    console.error(`cgroups cannot be made: ${messageOf(failure)}`);
    return host;
  }
}

/** The agent as an ordinary user is root of a user namespace: this process makes it and runs the agent in it. */
async function serveWithoutRoot(settings: Settings): Promise<void> {
  const { shim, execRoot, dataRoot, takeOver } = settings;
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const env = process.env;
  const command = async ({ pid: keeper }: { readonly pid: number }): Promise<[string, ...string[]]> => {
    const argv = serveCommand(settings, { takeOver });
    if (settings.cgroupParent !== undefined) return argv;
    const { cgroup } = await readHostFacts();
    const cgroup2 = cgroup.version === 2 ? cgroup.root : undefined;
    const found = await userDelegation(ownUnits(), { dataRoot, cgroup2, keeper, env });
    return [...argv, ...('cgroup' in found ? ['--delegated', found.cgroup] : ['--undelegated', found.why])];
  };
  process.exit(await runInUserns({ command, env, shim, execRoot, user }));
}

async function connect(settings: Settings): Promise<void> {
  const { socket } = settings;
  if (settings.start) {
    await ensureAgent({
      ...settings,
      // One that is replaced keeps its roots and its options.
      argv: (running) => serveCommand({ ...settings, ...running }, { takeOver: running !== undefined }),
      replace: (running) =>
        upgradeService(running, {
          ...running,
          owner: ownUnits(),
          socket,
          whoServes: () => askRunning(socket),
          command: serveCommand({ ...settings, ...running }, { takeOver: true }),
        }),
    });
    // Only room on the disk: what cannot be removed now is looked at again by the next one.
    const unitDirectories = [hostUnits(), ownUnits()].map(({ directory }) => directory);
    removeOldVersions({ program, node: process.execPath, unitDirectories, now: Date.now() }).catch(() => undefined);
  }
  const targets = await bridgeTargets({
    socket,
    ...(settings.docker !== undefined && { docker: settings.docker }),
    ...(settings.podman !== undefined && { podman: settings.podman }),
  });
  await serveBridge(stdioChannel(process.stdin, process.stdout), targets);
  process.exit(0);
}

/** Nanoseconds since the epoch, never the same twice: events are ordered by it, and a client asks for those since one. */
function nanosecondClock(): () => bigint {
  let last = 0n;
  return () => {
    const now = BigInt(Date.now()) * 1_000_000n;
    last = now > last ? now : last + 1n;
    return last;
  };
}

function stackOf(failure: unknown): string {
  return failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
}

main(process.argv.slice(2)).catch((failure: unknown) => {
  const isUsage = failure instanceof UsageError;
  console.error(`porthole-agent: ${messageOf(failure)}${isUsage ? `\n${usage}` : ''}`);
  process.exit(isUsage ? 2 : 1);
});
