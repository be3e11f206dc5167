import * as v from 'valibot';
import { PortholeError } from '../../base/errors.ts';
import type { HostConfig } from '../../protocol/docker.ts';
import type { BuildRequest } from '../build/contract.ts';
import { checkRemote } from '../build/remote.ts';
import { badParameter } from './errors.ts';
import type { Query } from './query.ts';
import { registryConfig } from './registry-auth.ts';
import type { Call } from './route.ts';

/** What `POST /build` asks for. @throws invalid or unsupported */
export async function buildRequest(call: Call): Promise<BuildRequest> {
  const { query, request } = call;
  refuseUnsupported(query);
  const type = request.headers['content-type'] ?? '';
  if (type !== '' && !/^application\/(x-)?tar\b/i.test(type)) {
    throw badParameter(`Content-Type ${type} is not that of a build context: application/x-tar`);
  }
  return {
    context: query.text('remote') || call.upload(),
    dockerfile: query.text('dockerfile') || 'Dockerfile',
    tags: query.texts('t').filter((tag) => tag !== ''),
    target: query.text('target'),
    buildArgs: new Map(
      Object.entries(read(query, 'buildargs', { schema: BuildArgs, what: 'build args' }) ?? {}).map(([name, value]) => [
        name,
        value ?? undefined,
      ]),
    ),
    labels: read(query, 'labels', { schema: Labels, what: 'labels' }) ?? {},
    noCache: query.flag('nocache'),
    pull: query.flag('pull'),
    cacheFrom: read(query, 'cachefrom', { schema: Texts, what: 'cache-from' }) ?? [],
    remove: query.flag('rm', call.minor >= 12),
    forceRemove: query.flag('forcerm'),
    platform: query.text('platform'),
    hostConfig: hostConfigOf(query),
    credentials: registryConfig(request.headers['x-registry-config']),
  };
}

function refuseUnsupported(query: Query): void {
  if (query.flag('squash')) throw badParameter('squash is only supported with experimental mode');
  const version = query.text('version');
  if (version === '2') {
    throw new PortholeError('unsupported', 'BuildKit is not supported: build with DOCKER_BUILDKIT=0');
  }
  if (version !== '' && version !== '1') throw badParameter(`invalid version ${JSON.stringify(version)}`);
  const isolation = query.text('isolation');
  if (!['', 'default'].includes(isolation)) throw badParameter(`Unsupported isolation: ${JSON.stringify(isolation)}`);
  if (query.text('remote') !== '') checkRemote(query.text('remote'));
}

const BuildArgs = v.record(v.string(), v.nullable(v.string()));
const Labels = v.record(v.string(), v.string());
const Texts = v.array(v.string());
const Ulimits = v.array(
  v.object({
    Name: v.string(),
    Soft: v.optional(v.pipe(v.number(), v.integer()), 0),
    Hard: v.optional(v.pipe(v.number(), v.integer()), 0),
  }),
);

/** A JSON document of the query string; undefined: there is none. */
function read<S extends v.GenericSchema>(
  query: Query,
  name: string,
  { schema, what }: { readonly schema: S; readonly what: string },
): v.InferOutput<S> | undefined {
  const text = query.text(name);
  if (text === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (failure) {
    throw badParameter(`error reading ${what}: ${failure instanceof Error ? failure.message : failure}`);
  }
  if (value === null) return undefined;
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw badParameter(`error reading ${what}: ${result.issues[0].message}`);
}

function hostConfigOf(query: Query): HostConfig {
  const number = (name: string, field: keyof HostConfig) => {
    const value = lenient(query, name);
    return value === 0 ? {} : { [field]: value };
  };
  const text = (name: string, field: keyof HostConfig) =>
    query.text(name) === '' ? {} : { [field]: query.text(name) };
  const ulimits = read(query, 'ulimits', { schema: Ulimits, what: 'ulimit settings' });
  const hosts = query.texts('extrahosts').filter((host) => host !== '');
  return {
    ...number('memory', 'Memory'),
    ...number('memswap', 'MemorySwap'),
    ...number('cpushares', 'CpuShares'),
    ...number('cpuperiod', 'CpuPeriod'),
    ...number('cpuquota', 'CpuQuota'),
    ...text('cpusetcpus', 'CpusetCpus'),
    ...text('cpusetmems', 'CpusetMems'),
    ...text('cgroupparent', 'CgroupParent'),
    ...text('networkmode', 'NetworkMode'),
    ...(query.text('shmsize') !== '' && { ShmSize: query.whole('shmsize') }),
    ...(ulimits && { Ulimits: ulimits }),
    ...(hosts.length > 0 && { ExtraHosts: hosts }),
  };
}

/** As dockerd reads these: what is no number is none. */
function lenient(query: Query, name: string): number {
  const value = query.text(name);
  return /^-?\d{1,15}$/.test(value) ? Number(value) : 0;
}
