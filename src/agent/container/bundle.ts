import { mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.ts';
import { isWithin } from '../../base/paths.ts';
import type { Spec } from '../oci/runtime.ts';
import type { ContainerFacts } from '../plan/facts.ts';
import { fileBinds } from '../sys/binds.ts';
import { type MountInfo, readMounts } from '../sys/proc.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { invalid } from './errors.ts';
import { logDetails } from './log-attributes.ts';
import { LogFiles } from './log-files.ts';
import { keepsLog, logRotationOf } from './log-options.ts';
import type { StoredRecord } from './record.ts';

/** Where a container's parts are, for `compile`. */
export async function containerFacts(engine: Engine, container: Container, spec: Spec): Promise<ContainerFacts> {
  const { directory, runtime, record } = container;
  const coming = sourcesToCome(record);
  return {
    id: container.id,
    rootfs: join(directory, 'rootfs'),
    overlay: {
      ...engine.images.containerRootfs(record.imageId),
      upper: join(directory, 'upper'),
      work: join(directory, 'work'),
    },
    fileBinds: await fileBinds(spec, coming),
    beneath: record.mounts.flatMap(({ Destination: destination, Source: root, subpath }) =>
      subpath === undefined ? [] : [{ destination, root, path: subpath }],
    ),
    socket: socketPath(runtime),
    log: keepsLog(record.hostConfig.LogConfig) ? record.logPath : '',
    ...(await rotationOf(record)),
    record: exitRecordPath(runtime),
    stdin: record.config.OpenStdin === true,
  };
}

/** What a start makes where it is missing: the plan of a container that has not been started knows it all the same. */
function sourcesToCome(record: StoredRecord): ReadonlyMap<string, 'file' | 'directory'> {
  const files = [record.hostnamePath, record.hostsPath, record.resolvConfPath];
  const made = record.mounts.filter(({ Type, createSource }) => Type === 'volume' || createSource);
  return new Map([
    ...files.map((path) => [path, 'file'] as const),
    ...made.map(({ Source, subpath = '' }) => [join(Source, subpath), 'directory'] as const),
  ]);
}

/** What a start with these options would be refused for is found here. */
async function rotationOf(record: Container['record']) {
  const { hostConfig, logPath } = record;
  if (!keepsLog(hostConfig.LogConfig)) return {};
  logDetails(record);
  const rotation = logRotationOf(hostConfig.LogConfig);
  if (!rotation) return {};
  const next = ((await new LogFiles(logPath).numbers()).at(-1) ?? 0) + 1;
  return { rotation: { ...rotation, next } };
}

export function socketPath(runtime: string): string {
  return join(runtime, 'shim.sock');
}

export function exitRecordPath(runtime: string): string {
  return join(runtime, 'exit');
}

/** The spec of the last start, which the running container has. */
export function specPath(directory: string): string {
  return join(directory, 'config.json');
}

/** Writes the spec that the container's life is led by; who asks for it next need not read it. */
export async function keepSpec(container: Container, spec: Spec): Promise<void> {
  container.spec = new WeakRef(spec);
  await replaceFile(specPath(container.directory), JSON.stringify(spec, undefined, 1));
}

/** A start makes it anew, so it need not last through a power failure: a rename is enough to have it whole. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
}

/** An empty runtime directory: what an earlier life left (its exit record above all) must not be taken for this one's. */
export async function freshRuntime(runtime: string): Promise<void> {
  try {
    await mkdir(runtime, { mode: 0o700 });
  } catch (failure) {
    if (errnoOf(failure) !== 'EEXIST') throw failure;
    await rm(runtime, { recursive: true, force: true });
    await mkdir(runtime, { mode: 0o700 });
  }
}

/** `-v` makes a missing source; every other bind source has to be there, and of the kind that its propagation needs. */
export async function prepareSources(container: Container): Promise<void> {
  for (const { Type, Source, createSource, sourceMustBe } of container.record.mounts) {
    if (Type !== 'bind') continue;
    if (createSource) await mkdir(Source, { recursive: true }).catch(ifNotThere(Source));
    else await checkSource(Source);
    if (sourceMustBe) await checkPropagation(Source, sourceMustBe);
  }
}

/** @throws invalid in dockerd's words: what is not shared cannot pass on what is mounted there. */
async function checkPropagation(source: string, must: 'shared' | 'shared or slave'): Promise<void> {
  const path = await realpath(source);
  const mounts = (await readMounts('self')).filter(({ target }) => isWithin(path, target));
  const mount = mounts.reduce<MountInfo | undefined>(
    (nearest, each) => (nearest && nearest.target.length > each.target.length ? nearest : each),
    undefined,
  );
  const kinds = must === 'shared' ? /^shared:/ : /^(shared|master):/;
  if (mount?.propagation.some((option) => kinds.test(option))) return;
  throw invalid(`path ${source} is mounted on ${mount?.target ?? '/'} but it is not a ${must} mount`);
}

/** @throws invalid in Docker's words when a bind source does not exist. */
export async function checkSource(source: string): Promise<void> {
  await stat(source).catch((failure: unknown) => {
    const code = errnoOf(failure);
    const why = code === 'ENOENT' ? 'bind source path does not exist' : `cannot look at the bind source (${code})`;
    throw invalid(`invalid mount config for type "bind": ${why}: ${source}`);
  });
}

/** A source that is a file is fine as it is. */
function ifNotThere(source: string) {
  return async (failure: unknown): Promise<void> => {
    if (errnoOf(failure) !== 'EEXIST')
      throw invalid(`error while creating mount source path '${source}': ${String(failure)}`);
  };
}
