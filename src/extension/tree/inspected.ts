import { setTimeout as delay } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import * as v from 'valibot';
import { checked } from '../checked.ts';
import type { ObjectRef } from '../fleet.ts';
import { engineStatus } from '../problems.ts';
import type { ExecNode, MountNode, NetworkNode } from './inside-nodes.ts';

/** Rows out of what an engine tells of one container. */

/** How many sessions are looked at: an engine remembers those that have ended, too. */
const mostSessions = 200;
/** How often a command that has not begun is looked at again, and the milliseconds between: most begin within a few. */
const looks = 50;
const pause = 200;

const text = v.optional(v.nullable(v.string()), '');
const Container = v.object({
  /** All else may be absent, and almost anything would pass for a container. */
  Id: v.string(),
  ExecIDs: v.nullish(v.array(v.string())),
  Mounts: v.nullish(
    v.array(
      v.object({ Type: text, Name: text, Source: text, Destination: v.string(), RW: v.optional(v.boolean(), true) }),
    ),
  ),
  HostConfig: v.nullish(v.object({ NetworkMode: text })),
  NetworkSettings: v.nullish(
    v.object({
      Networks: v.nullish(
        v.record(
          v.string(),
          v.nullable(
            v.object({
              IPAddress: text,
              IPPrefixLen: v.optional(v.number(), 0),
              GlobalIPv6Address: text,
              GlobalIPv6PrefixLen: v.optional(v.number(), 0),
              Gateway: text,
              MacAddress: text,
              Aliases: v.nullish(v.array(v.string())),
            }),
          ),
        ),
      ),
    }),
  ),
});

const Session = v.object({
  Running: v.boolean(),
  ExitCode: v.nullish(v.number()),
  Pid: v.optional(v.number(), 0),
  ProcessConfig: v.object({
    entrypoint: text,
    arguments: v.nullish(v.array(v.string())),
    user: text,
    tty: v.optional(v.boolean(), false),
  }),
});

export async function mountsOf(docker: Dockerode, container: ObjectRef): Promise<readonly MountNode[]> {
  const { Mounts } = await inspected(docker, container);
  return (Mounts ?? []).map(({ Type, Name, Source, Destination, RW }) => ({
    type: 'mount',
    container,
    mount: {
      type: Type || 'bind',
      ...(Name && { name: Name }),
      source: Source ?? '',
      destination: Destination,
      writable: RW,
    },
  }));
}

/** A container that uses another's network has that one as its only row. */
export async function networksOf(docker: Dockerode, container: ObjectRef): Promise<readonly NetworkNode[]> {
  const { HostConfig, NetworkSettings } = await inspected(docker, container);
  const networks = Object.entries(NetworkSettings?.Networks ?? {});
  const mode = HostConfig?.NetworkMode ?? '';
  if (networks.length === 0 && mode !== '') networks.push([mode, null]);
  return networks.map(([name, one]) => ({
    type: 'network',
    container,
    name,
    addresses: [
      ...(one?.IPAddress ? [`${one.IPAddress}/${one.IPPrefixLen}`] : []),
      ...(one?.GlobalIPv6Address ? [`${one.GlobalIPv6Address}/${one.GlobalIPv6PrefixLen}`] : []),
    ],
    gateway: one?.Gateway ?? '',
    mac: one?.MacAddress ?? '',
    aliases: one?.Aliases ?? [],
  }));
}

/** Those that run. */
export async function sessionsOf(docker: Dockerode, container: ObjectRef): Promise<readonly ExecNode[]> {
  const { ExecIDs } = await inspected(docker, container);
  const ids = (ExecIDs ?? []).slice(-mostSessions);
  const sessions = await Promise.all(ids.map((id) => sessionOf(docker, container, id)));
  return sessions.filter((one) => one !== undefined);
}

async function sessionOf(docker: Dockerode, container: ObjectRef, id: string): Promise<ExecNode | undefined> {
  try {
    const { Running, Pid, ProcessConfig } = await begun(docker, id);
    if (!Running) return undefined;
    const { entrypoint, arguments: words, user, tty } = ProcessConfig;
    const command = [entrypoint ?? '', ...(words ?? [])].join(' ');
    return { type: 'exec', container, id, command, user: user ?? '', pid: Pid, tty };
  } catch (failure) {
    // It ended since its container told of it.
    if (engineStatus(failure) === 404) return undefined;
    throw failure;
  }
}

/** Engines tell that a command starts before it has a process, and nothing when it has one. */
async function begun(docker: Dockerode, id: string): Promise<v.InferOutput<typeof Session>> {
  for (let left = looks; ; left -= 1) {
    const session = checked(Session, await docker.getExec(id).inspect());
    const ended = session.ExitCode !== null && session.ExitCode !== undefined;
    if (session.Pid !== 0 || ended || left === 0) return session;
    await delay(pause);
  }
}

async function inspected(docker: Dockerode, { id }: ObjectRef): Promise<v.InferOutput<typeof Container>> {
  const answer: unknown = await docker.getContainer(id).inspect();
  return checked(Container, answer);
}
