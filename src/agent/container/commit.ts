import { join } from 'node:path';
import type { ContainerConfig } from '../../protocol/docker.ts';
import { openFileRoot } from '../files/root.ts';
import { treeItems } from '../files/tree.ts';
import type { RunConfig } from '../oci/image.ts';
import { applyInstructions } from '../store/instructions.ts';
import { familiar, parseReference, withDefaultTag } from '../store/reference.ts';
import { writeTar } from '../store/tar-writer.ts';
import type { Container } from './container.ts';
import type { CommitRequest } from './contract.ts';
import { announce, type Engine } from './engine.ts';
import { conflict, noSuchContainer } from './errors.ts';
import { pauseLocked, unpauseLocked } from './freezer.ts';
import { layerItems } from './layer.ts';
import { mergeConfig } from './merge.ts';

/** `docker commit`: the image's config is the container's, changed by instructions. @returns the image's id */
export async function commit(engine: Engine, container: Container, request: CommitRequest): Promise<string> {
  const { status } = container.record.state;
  if (status === 'dead') throw conflict(`You cannot commit container ${container.id} which is Dead`);
  if (status === 'removing') throw beingRemoved(container);
  const config = configOf(container.record.config, request);
  const thaw = request.pause ? await pause(engine, container) : undefined;
  try {
    const { id } = await commitUpper(engine, container, { config, request });
    const imageRef = request.reference === undefined ? '' : familiar(withDefaultTag(parseReference(request.reference)));
    if (imageRef !== '') {
      const attributes = { ...config.Labels, name: imageRef };
      engine.events.announce({ type: 'image', action: 'tag', id, attributes });
    }
    announce(engine, container, 'commit', { comment: request.comment, imageID: id, imageRef });
    return id;
  } catch (failure) {
    // Its files went while they were read: what failed is of no interest then.
    if (!engine.registry.has(container)) throw noSuchContainer(container.id);
    if (container.record.state.status === 'removing') throw beingRemoved(container);
    throw failure;
  } finally {
    await thaw?.();
  }
}

const beingRemoved = ({ id }: Container) => conflict(`You cannot commit container ${id} which is being removed`);

/** A container that does not run cannot be paused and need not be. @returns what undoes it */
async function pause(engine: Engine, container: Container): Promise<(() => Promise<void>) | undefined> {
  return await engine.locks.run(container.id, async () => {
    if (container.record.state.status !== 'running') return undefined;
    await pauseLocked(engine, container);
    return () =>
      engine.locks.run(container.id, async () => {
        // Somebody else may have stopped it meanwhile.
        if (container.record.state.status === 'paused') await unpauseLocked(engine, container);
      });
  });
}

async function commitUpper(
  engine: Engine,
  container: Container,
  { config, request }: { readonly config: RunConfig; readonly request: CommitRequest },
) {
  const { imageId, config: own } = container.record;
  const { signal } = request;
  const root = await openFileRoot(
    engine,
    { kind: 'directory', path: join(container.directory, 'upper'), trusted: true },
    { signal },
  );
  try {
    const upper = treeItems(root, { path: '/', name: undefined });
    const layer = writeTar(layerItems(upper));
    return await engine.images.commit(imageId, {
      layer,
      config,
      author: request.author,
      comment: request.comment,
      createdBy: (own.Cmd ?? []).join(' '),
      ...(request.reference !== undefined && { reference: request.reference }),
      signal,
    });
  } finally {
    await root.close();
  }
}

/** What was asked for, changed by the instructions, completed by what the container has. */
function configOf(own: ContainerConfig, { config, changes }: CommitRequest): RunConfig {
  const changed = applyInstructions(runConfigOf(config ?? own), changes);
  const merged = runConfigOf(mergeConfig(containerConfigOf(changed), runConfigOf(own)));
  return { ...merged, ...(changed.OnBuild?.length ? { OnBuild: changed.OnBuild } : {}) };
}

/** The part of a container's config that an image has, without what says nothing. */
function runConfigOf(config: ContainerConfig): RunConfig {
  const { User, WorkingDir, StopSignal, Healthcheck, ArgsEscaped } = config;
  return {
    ...(User && { User }),
    ...(WorkingDir && { WorkingDir }),
    ...(StopSignal && { StopSignal }),
    ...(ArgsEscaped && { ArgsEscaped }),
    ...list('Env', config.Env),
    ...list('Entrypoint', config.Entrypoint),
    ...list('Cmd', config.Cmd),
    ...list('OnBuild', config.OnBuild),
    ...list('Shell', config.Shell),
    ...set('ExposedPorts', config.ExposedPorts),
    ...set('Volumes', config.Volumes),
    ...set('Labels', config.Labels),
    ...(Healthcheck && { Healthcheck: JSON.parse(JSON.stringify(Healthcheck)) }),
  };
}

const list = <K extends string>(key: K, found: readonly string[] | undefined) =>
  found && found.length > 0 ? { [key]: [...found] } : {};

const set = <K extends string, T>(key: K, found: Readonly<Record<string, T>> | undefined) =>
  found && Object.keys(found).length > 0 ? { [key]: found } : {};

/** An image's config as one that could be given at the creation of a container. */
function containerConfigOf(config: RunConfig): ContainerConfig {
  const { Healthcheck, ExposedPorts, Volumes, Labels, User, WorkingDir, StopSignal } = config;
  const names = (found: Readonly<Record<string, object>>) =>
    Object.fromEntries(Object.keys(found).map((name) => [name, {}]));
  return {
    ...(User && { User }),
    ...(WorkingDir && { WorkingDir }),
    ...(StopSignal && { StopSignal }),
    ...list('Env', config.Env),
    ...list('Entrypoint', config.Entrypoint ?? undefined),
    ...list('Cmd', config.Cmd ?? undefined),
    ...list('Shell', config.Shell),
    ...(ExposedPorts && { ExposedPorts: names(ExposedPorts) }),
    ...(Volumes && { Volumes: names(Volumes) }),
    ...(Labels && { Labels: { ...Labels } }),
    ...(Healthcheck && { Healthcheck: { ...Healthcheck, Test: [...(Healthcheck.Test ?? [])] } }),
  };
}
