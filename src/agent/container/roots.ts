import { join } from 'node:path';
import type { FileRoot, Place, StackedRoot } from '../files/contract.ts';
import { openFileRoot } from '../files/root.ts';
import { PlanFailed } from '../shim/errors.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { noSuchContainer } from './errors.ts';
import { hasProcess } from './state.ts';
import { withDevices } from './volumes.ts';

export interface RootOptions {
  readonly signal?: AbortSignal;
  /** What is written into a container that does not run stays; its lock is held then. */
  readonly writable?: boolean;
  /** Without volumes and other mounts. */
  readonly alone?: boolean;
}

/** The files of a container, as they are in it when it runs, else as they would be mounted. */
export async function openRootOf(engine: Engine, container: Container, options: RootOptions): Promise<FileRoot> {
  const running = await openRunningRoot(engine, container, options);
  if (running) return running;
  const { signal } = options;
  const open = async () =>
    openFileRoot(engine, await stackOf(engine, container, options), { ...(signal && { signal }) });
  try {
    // Once opened, the root has its own copy of what is mounted there.
    return await (options.alone ? open() : withDevices(engine, container.record, open));
  } catch (failure) {
    if (engine.registry.has(container)) throw failure;
    throw noSuchContainer(container.id);
  }
}

/** Undefined: it does not run, or has ended this moment. */
export async function openRunningRoot(
  engine: Engine,
  container: Container,
  { signal, alone }: RootOptions,
): Promise<FileRoot | undefined> {
  const { state, startTicks, idMappings } = container.record;
  if (!hasProcess(state.status)) return undefined;
  const place: Place = {
    kind: 'running',
    pid: state.pid,
    startTicks: BigInt(startTicks || '0'),
    ...(alone && { alone: true }),
    ...(idMappings && { remapped: true }),
  };
  try {
    return await openFileRoot(engine, place, { ...(signal && { signal }) });
  } catch (failure) {
    if (failure instanceof PlanFailed && failure.step.operation.op === 'joinProcess') return undefined;
    throw failure;
  }
}

async function stackOf(engine: Engine, container: Container, options: RootOptions): Promise<StackedRoot> {
  const { directory, record } = container;
  await engine.images.ensureInit(record.imageId);
  const { base, lowers } = engine.images.containerRootfs(record.imageId);
  const networkFiles = [
    { source: record.hostnamePath, target: '/etc/hostname' },
    { source: record.hostsPath, target: '/etc/hosts' },
    { source: record.resolvConfPath, target: '/etc/resolv.conf' },
  ];
  const mounts = record.mounts
    .filter(({ Type }) => Type !== 'tmpfs')
    .map(({ Source: source, Destination: target, subpath: below }) => ({
      source,
      target,
      ...(below !== undefined && { below }),
    }));
  const depth = ({ target }: { target: string }): number => target.split('/').length;
  return {
    kind: 'stack',
    base,
    lowers,
    upper: join(directory, 'upper'),
    at: join(directory, 'rootfs'),
    ...(options.writable && { work: join(directory, 'work') }),
    binds: options.alone
      ? []
      : [...mounts, ...networkFiles.filter(({ source }) => source !== '')].sort((a, b) => depth(a) - depth(b)),
  };
}
