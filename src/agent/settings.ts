import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../base/errors.ts';
import { rootlessPlaces, rootPlaces } from '../protocol/places.ts';
import type { RealtimeShare } from './cgroup/parent.ts';
import { containerDefaults } from './container/defaults.ts';
import type { ContainerDefaults } from './container/engine.ts';
import { cgroupParentOf } from './plan/cgroup-path.ts';
import type { RegistryOptions } from './registry/contract.ts';
import { registryOptions } from './registry/options.ts';

/** What the command line says, with defaults filled in. */
export interface Settings {
  /** The file of the agent's program. */
  readonly program: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly socket: string;
  readonly shim: string;
  readonly pidfile?: string;
  /** Undefined: /porthole. */
  readonly cgroupParent?: string;
  /** What the process that entered a user namespace for us found: a cgroup, or why there is none. */
  readonly delegated?: string;
  readonly undelegated?: string;
  /** The service is to be the user's own. */
  readonly user: boolean;
  readonly defaults: ContainerDefaults;
  /** How long the history of a removed container is kept. */
  readonly historyDays?: number;
  /** As dockerd's; '' for none. */
  readonly usernsRemap: string;
  readonly realtime: RealtimeShare;
  readonly registry: RegistryOptions;
  /** Bytes of an unpacked layer. */
  readonly maxLayerSize?: number;
  readonly start: boolean;
  readonly takeOver: boolean;
  /** What `serve` was told beside its roots, as its successor has to be told. */
  readonly options: readonly string[];
  /** Sockets of other engines. */
  readonly docker?: string;
  readonly podman?: string;
  /** Podman's storage where no Podman answers. */
  readonly podmanRoot?: string;
}

/** What only `serve` is told. */
export const serveOptions = [
  ...(['pidfile', 'take-over', 'userns-remap', 'init', 'log-driver', 'log-opt', 'history-days'] as const),
  ...(['delegated', 'undelegated'] as const),
  ...(['insecure-registry', 'registry-mirror', 'registry-ca'] as const),
  ...(['max-concurrent-downloads', 'max-concurrent-uploads', 'max-download-attempts'] as const),
  ...(['max-layer-size', 'docker', 'podman', 'podman-root'] as const),
];

export class UsageError extends Error {}

export const isRoot = (): boolean => process.getuid?.() === 0;

/**
 * Options of Node for an agent: what it works with is small and lives long or not at all, and a young generation of V8's usual
 * size would fill up to 48 MiB before anybody looks whether it is still needed.
 */
export const nodeOptions = ['--max-semi-space-size=2'];

/** This program as an agent on the given roots. */
export function serveCommand(
  settings: Pick<Settings, 'program' | 'dataRoot' | 'execRoot' | 'socket' | 'shim' | 'options'>,
  { takeOver }: { readonly takeOver: boolean },
): [string, ...string[]] {
  const { program, dataRoot, execRoot, socket, shim, options } = settings;
  const roots = ['--data-root', dataRoot, '--exec-root', execRoot, '--host', `unix://${socket}`, '--shim', shim];
  const own = [...nodeOptions, ...process.execArgv.filter((option) => !nodeOptions.includes(option)), program];
  return [process.execPath, ...own, 'serve', ...roots, ...options, ...(takeOver ? ['--take-over'] : [])];
}

/** @param options.allowed what the command takes beside its roots. @throws UsageError */
export function settingsOf(
  args: string[],
  { program, allowed }: { readonly program: string; readonly allowed: readonly string[] },
): Settings {
  const values = parse(args);
  for (const name of [...serveOptions, 'start', 'user'] as const) {
    if (values[name] !== undefined && !allowed.includes(name)) throw new UsageError(`--${name} is not an option here`);
  }
  const usual = isRoot() ? rootPlaces : rootlessPlaces(process.env, homedir());
  const execRoot = absolute('--exec-root', values['exec-root'] ?? usual.execRoot);
  const { pidfile, docker, podman, 'podman-root': podmanRoot, 'cgroup-parent': cgroupParent } = values;
  return {
    program,
    dataRoot: absolute('--data-root', values['data-root'] ?? usual.dataRoot),
    execRoot,
    socket: socketOf(values.host ?? `unix://${join(execRoot, 'porthole.sock')}`),
    shim: values.shim ?? process.env['PORTHOLE_SHIM'] ?? shimBeside(program),
    start: values.start ?? false,
    defaults: defaultsOf(values),
    ...(values['history-days'] !== undefined && { historyDays: daysOf(values['history-days']) }),
    usernsRemap: values['userns-remap'] ?? '',
    realtime: {
      period: microseconds('--cpu-rt-period', values['cpu-rt-period']),
      runtime: microseconds('--cpu-rt-runtime', values['cpu-rt-runtime']),
    },
    registry: registryOptionsOf(values),
    ...(values['max-layer-size'] !== undefined && {
      maxLayerSize: bytesOf('--max-layer-size', values['max-layer-size']),
    }),
    takeOver: values['take-over'] ?? false,
    user: values.user ?? false,
    ...(values.delegated !== undefined && { delegated: values.delegated }),
    ...(values.undelegated !== undefined && { undelegated: values.undelegated }),
    options: carriedOptions(values),
    ...(cgroupParent !== undefined && { cgroupParent: parentOf(cgroupParent) }),
    ...(pidfile !== undefined && { pidfile: absolute('--pidfile', pidfile) }),
    ...(docker !== undefined && { docker: absolute('--docker', docker) }),
    ...(podman !== undefined && { podman: absolute('--podman', podman) }),
    ...(podmanRoot !== undefined && { podmanRoot: absolute('--podman-root', podmanRoot) }),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        'data-root': { type: 'string' },
        'exec-root': { type: 'string' },
        host: { type: 'string', short: 'H' },
        pidfile: { type: 'string', short: 'p' },
        shim: { type: 'string' },
        'cgroup-parent': { type: 'string' },
        init: { type: 'boolean' },
        'history-days': { type: 'string' },
        'log-driver': { type: 'string' },
        'log-opt': { type: 'string', multiple: true },
        'cpu-rt-period': { type: 'string' },
        'cpu-rt-runtime': { type: 'string' },
        start: { type: 'boolean' },
        'userns-remap': { type: 'string' },
        'insecure-registry': { type: 'string', multiple: true },
        'registry-mirror': { type: 'string', multiple: true },
        'registry-ca': { type: 'string' },
        'max-concurrent-downloads': { type: 'string' },
        'max-concurrent-uploads': { type: 'string' },
        'max-download-attempts': { type: 'string' },
        'max-layer-size': { type: 'string' },
        'take-over': { type: 'boolean' },
        user: { type: 'boolean' },
        // Not for people: what the process that a user started tells the one inside its user namespace.
        delegated: { type: 'string' },
        undelegated: { type: 'string' },
        docker: { type: 'string' },
        podman: { type: 'string' },
        'podman-root': { type: 'string' },
      },
    }).values;
  } catch (failure) {
    throw new UsageError(messageOf(failure));
  }
}

const ofOneCall = [
  ...['data-root', 'exec-root', 'host', 'shim', 'take-over', 'start', 'user'],
  ...['delegated', 'undelegated'],
];

/** The options of `serve` that its successor needs too. */
function carriedOptions(values: ReturnType<typeof parse>): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (value === undefined || value === false || ofOneCall.includes(name)) return [];
    if (value === true) return [`--${name}`];
    return [value].flat().map((text) => `--${name}=${text}`);
  });
}

function defaultsOf(values: ReturnType<typeof parse>): ContainerDefaults {
  const { 'log-driver': logDriver, 'log-opt': logOptions = [], init = false } = values;
  try {
    return containerDefaults({ logDriver, logOptions, init });
  } catch (failure) {
    throw new UsageError(messageOf(failure));
  }
}

function registryOptionsOf(values: ReturnType<typeof parse>): RegistryOptions {
  const { 'insecure-registry': insecure = [], 'registry-mirror': mirrors = [], 'registry-ca': certificates } = values;
  const count = (name: 'max-concurrent-downloads' | 'max-concurrent-uploads' | 'max-download-attempts') => {
    const text = values[name];
    if (text === undefined) return undefined;
    if (!/^[1-9]\d{0,3}$/.test(text)) throw new UsageError(`--${name} is a number from 1 to 9999, not ${text}`);
    return Number(text);
  };
  try {
    return registryOptions({
      insecure,
      mirrors,
      certificates: certificates === undefined ? undefined : absolute('--registry-ca', certificates),
      maxDownloads: count('max-concurrent-downloads'),
      maxUploads: count('max-concurrent-uploads'),
      maxAttempts: count('max-download-attempts'),
    });
  } catch (failure) {
    throw new UsageError(messageOf(failure));
  }
}

function microseconds(option: string, text: string | undefined): number {
  if (!/^\d{1,9}$/.test(text ?? '0')) throw new UsageError(`${option} is a number of microseconds, not ${text}`);
  return Number(text ?? '0');
}

/** In Docker's words: 512m, 10g. */
function bytesOf(option: string, text: string): number {
  const [, number, unit = ''] = /^(\d{1,12})([kmgt]?)b?$/i.exec(text) ?? [];
  const bytes = Number(number) * 1024 ** ' kmgt'.indexOf(unit.toLowerCase() || ' ');
  if (!Number.isSafeInteger(bytes) || bytes === 0) {
    throw new UsageError(`${option} is a number of bytes such as 512m or 10g, not ${text}`);
  }
  return bytes;
}

function daysOf(text: string): number {
  if (!/^\d{1,5}(\.\d+)?$/.test(text)) throw new UsageError(`--history-days is a number of days, not ${text}`);
  return Number(text);
}

function parentOf(path: string): string {
  try {
    return cgroupParentOf(path);
  } catch (failure) {
    throw new UsageError(`--cgroup-parent: ${messageOf(failure)}`);
  }
}

function absolute(option: string, path: string): string {
  if (!path.startsWith('/')) throw new UsageError(`${option} needs an absolute path, not ${JSON.stringify(path)}`);
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

function socketOf(host: string): string {
  if (!host.startsWith('unix://')) throw new UsageError(`--host is unix://PATH, not ${JSON.stringify(host)}`);
  return absolute('--host', host.slice('unix://'.length));
}

function shimBeside(program: string): string {
  return join(dirname(program), `shim-linux-${process.arch}`);
}
