import { PortholeError } from '../../base/errors.ts';
import { ContainerConfig, CreateBody, type HostConfig } from '../../protocol/docker.ts';
import type { CreateOptions } from '../container/contract.ts';
import { architectureOf } from '../oci/architectures.ts';
import type { ApiMinor } from './api-version.ts';
import { readJson } from './body.ts';
import type { Engine } from './engine.ts';
import { badParameter, notThereYet } from './errors.ts';
import { imageOrNone } from './image-lookup.ts';
import { mountsOfVersion, readOnlyNonRecursive } from './mount-versions.ts';
import type { Call } from './route.ts';

/** What a create body and its query ask for. @throws invalid or unsupported where it cannot be. */
export async function createOptions(call: Call): Promise<CreateOptions> {
  const body = await readJson(call, CreateBody);
  const { HostConfig: given = {}, NetworkingConfig, ...config } = body;
  if (!Object.keys(ContainerConfig.entries).some((field) => Object.hasOwn(body, field))) {
    throw badParameter('Config cannot be empty in order to create a container');
  }
  refuseEndpoints(NetworkingConfig?.EndpointsConfig, { mode: given.NetworkMode ?? 'default', minor: call.minor });
  refusePlatform(call.query.text('platform'), { engine: call.engine, image: config.Image ?? '' });
  const name = call.query.text('name');
  return {
    config: configOf(config, call.minor),
    hostConfig: hostConfigOf(given, call.minor),
    readOnlyNonRecursive: readOnlyNonRecursive(call.minor),
    ...(name !== '' && { name }),
  };
}

/** A field means nothing before the API version that brought it, as in dockerd: an old client does not know what it says. */
function configOf(config: ContainerConfig, minor: ApiMinor): ContainerConfig {
  if (minor >= 44 || config.Healthcheck?.StartInterval === undefined) return config;
  return { ...config, Healthcheck: { ...config.Healthcheck, StartInterval: undefined } };
}

function hostConfigOf(host: HostConfig, minor: ApiMinor): HostConfig {
  const without = {
    // Gone since 1.42: what a client sends there is not read.
    ...(minor >= 42 && { KernelMemory: undefined }),
    ...(minor < 42 && { ConsoleSize: undefined }),
    ...(minor < 43 && { Annotations: undefined }),
    ...(minor < 41 && { CgroupnsMode: undefined }),
    ...(minor < 40 && { KernelMemoryTCP: undefined, IpcMode: host.IpcMode || 'shareable' }),
    ...(host.Mounts && { Mounts: mountsOfVersion(host.Mounts, minor) }),
  };
  return { ...host, ...without };
}

/** Addresses, aliases and further networks need networks, which are not there yet. */
function refuseEndpoints(
  endpoints: Readonly<Record<string, object | null>> | undefined,
  { mode, minor }: { readonly mode: string; readonly minor: ApiMinor },
): void {
  const names = Object.keys(endpoints ?? {});
  if (names.length > 1 && minor < 44) {
    throw badParameter(`Container cannot be connected to network endpoints: ${names.join(', ')}`);
  }
  const same = (name: string): boolean => name === mode || (isDefault(name) && isDefault(mode));
  for (const [name, endpoint] of Object.entries(endpoints ?? {})) {
    if (!same(name)) throw notThereYet(`Connecting a container to the network ${name}`);
    for (const [field, value] of Object.entries(endpoint ?? {})) {
      if (isNothing(value)) continue;
      throw badParameter(`${field} of the network ${name} is not supported yet`);
    }
  }
}

const isDefault = (name: string): boolean => name === '' || name === 'default' || name === 'bridge';

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === 0 || value === false) return true;
  return typeof value === 'object' && Object.values(value).every(isNothing);
}

/**
 * The image that is there has to be of the platform that is asked for.
 * @param wanted for example 'linux/amd64', 'linux', 'arm64/v8' or ''
 */
function refusePlatform(wanted: string, { engine, image }: { readonly engine: Engine; readonly image: string }): void {
  if (wanted === '') return;
  const [first = '', ...rest] = wanted.toLowerCase().split('/');
  const os = architectureOf(first) ? 'linux' : first;
  const cpu = architectureOf(first) ?? (rest[0] === undefined ? undefined : architectureOf(rest[0]));
  if (!['linux', 'windows', 'darwin', 'freebsd'].includes(os) || (rest.length > 0 && cpu === undefined)) {
    throw badParameter(`${JSON.stringify(wanted)}: unknown operating system or architecture: invalid argument`);
  }
  const found = imageOrNone(engine, image);
  if (found === undefined) return;
  const { os: actualOs, architecture } = found.config;
  if (os === actualOs && (cpu === undefined || cpu === architecture)) return;
  throw new PortholeError(
    'not-found',
    `image with reference ${image} was found but does not match the specified platform: ` +
      `wanted ${[os, cpu].filter(Boolean).join('/')}, actual: ${actualOs}/${architecture}`,
  );
}
